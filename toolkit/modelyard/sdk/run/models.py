"""What a run makes of its models: the part of `Run` that registers and converts them."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

import modelyard
from modelyard.tracking.files import NewFile, NewFiles

if TYPE_CHECKING:
    from modelyard.sdk.model.model import Model
    from modelyard.sdk.run.run import Run


class RunModels:
    """The models of a run; `Run` is the class to use."""

    def register_model(  # noqa: PLR0913 - what is said of a model, by keyword, under the names that users know
        self,
        model_name: str,
        model_path: str | None = None,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        *,
        description: str = "",
        datasets: Iterable[Any] = (),
        framework: str | None = None,
        framework_version: str | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        signature: Any = None,
        sample: Any = None,
        environment: Any = None,
    ) -> Model:
        """Register a file or a folder of this run as the next version of a name.

        Parameters
        ----------
        model_path
            Among the run's files; by default ``outputs/model``, where `save_model` writes. What that wrote beside a
            model (signature, sample, certificate) goes with it.

        See Also
        --------
        modelyard.Model.register : says what the others are.

        Raises
        ------
        NotFoundError
            If the run has no such file or folder.
        InvalidNameError
            If `model_name` breaks the rule for names.
        """
        from modelyard.sdk.model.registration import Said, register_from_run

        said = Said(
            tags=tags,
            properties=properties,
            description=description,
            framework=framework or model_framework,
            framework_version=framework_version or model_framework_version,
            datasets=datasets,
            signature=signature,
            sample=sample,
            environment=environment,
        )
        run = cast("Run", self)
        model: Model = modelyard.Model.of(run.workspace, register_from_run(run, model_name, model_path, said))
        return model

    def save_model(  # noqa: PLR0913 - how to convert and what to call it, by keyword
        self,
        estimator: Any,
        *,
        sample: Any,
        name: str = "model",
        register_as: str | None = None,
        tolerance: Any = None,
        accept: bool = False,
        show_output: bool = True,
        **said: Any,
    ) -> Model | None:
        """Convert an estimator to ONNX with measured parity, and keep it below ``outputs`` in this run.

        Parameters
        ----------
        estimator
            A fitted scikit-learn estimator or pipeline; LightGBM's and XGBoost's where these are installed.
        sample
            Rows as ``predict`` takes them, a hundred or so that are typical.
        name
            The folder below ``outputs`` that gets the model, its signature, a sample and the certificate.
        register_as
            Register it, as the next version of this name; `said` as in `register_model`.
        tolerance
            How far the answers may differ (`Tolerance`).
        accept
            Take the nearest model although it is not within the tolerance; the certificate then says so.
        show_output
            Print the certificate.

        Returns
        -------
        Model or None
            The registered version, if `register_as` was given.

        Raises
        ------
        ConversionError
            If it cannot be converted, or the result answers otherwise; nothing has been kept then.
        """
        from modelyard.onnx.conversion import convert
        from modelyard.sdk.model.conversion import keep_conversion

        run = cast("Run", self)
        conversion = convert(estimator, sample, tolerance=tolerance, accept=accept)
        if show_output:
            sys.stdout.write(f"{conversion.certificate}\n")
        folder = f"outputs/{name}"
        kept = keep_conversion(run.backend.blobs, conversion)
        files = tuple(NewFile(path=f"{folder}/{e.path}", sha256=e.sha256, size=e.size) for e in kept.values())
        run.backend.files.add(run.id, NewFiles(files=files, replace=True))
        return self.register_model(register_as, folder, **said) if register_as is not None else None
