"""Log and register a small scikit-learn model, with the requirements inferred (the default) or given."""

import material
import mlflow
import sklearn
import stopwatch

given = stopwatch.given()
model = material.classifier()
more = {} if given["inferred"] else {"pip_requirements": [f"scikit-learn=={sklearn.__version__}"]}
mlflow.set_tracking_uri(given["where"])
mlflow.set_experiment("registry")
with mlflow.start_run():

    def register() -> None:
        mlflow.sklearn.log_model(model, name="model", registered_model_name="iris", **more)

    first = stopwatch.once(register)
    again = {} if given["inferred"] else {"next": stopwatch.middle(register, given["seconds"])}
    stopwatch.tell(first=first, **again)
