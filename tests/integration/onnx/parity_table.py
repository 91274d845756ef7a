"""Print how many of the estimators are converted right, plainly and by the recipes: ``python parity_table.py``."""

import warnings

import numpy as np
import onnxmltools
from onnx_estimators import ESTIMATORS, fitted
from onnxmltools.convert.common.data_types import FloatTensorType

from modelyard.onnx.certificate import Tolerance
from modelyard.onnx.conversion import certify, convert
from modelyard.onnx.errors import ConversionRefusedError, NotConvertibleError
from modelyard.onnx.graph import finish
from modelyard.onnx.original import Original
from modelyard.onnx.rows import Rows


def plain_booster(estimator, rows):
    """Convert LightGBM and XGBoost as onnxmltools does when nothing is set but a plain tensor of probabilities."""
    make = onnxmltools.convert_lightgbm if "LGBM" in type(estimator).__name__ else onnxmltools.convert_xgboost
    types = [("input", FloatTensorType([None, rows.shape[1]]))]
    more = {"zipmap": False} if make is onnxmltools.convert_lightgbm else {}
    return make(estimator, initial_types=types, **more)


def plain_result(name, estimator, rows, attempts):
    """Tell what becomes of the estimator with float32 inputs and the converter as it is."""
    if name.split(",")[0].split(" ")[0] not in {"lightgbm", "xgboost"}:
        return attempts[0].result
    table = Rows.of(rows)
    try:
        content = finish(plain_booster(estimator, rows), Original(estimator).first_answer(table), "float32")
        certificate = certify(estimator, rows, content, table.fields("float32"), tolerance=Tolerance())
    except Exception:  # noqa: BLE001 - whatever it is, it is loud
        return "impossible"
    return "accepted" if certificate.verdict == "accepted" else "different"


def main():
    """Measure all, and print a row for each and the sums."""
    warnings.simplefilter("ignore")
    found = []
    for name in ESTIMATORS:
        estimator, seen, _ = fitted(name)
        try:
            certificate = convert(estimator, seen).certificate
            ours, attempts = certificate.recipe, certificate.attempts
        except ConversionRefusedError as error:
            ours, attempts = "refused", error.certificate.attempts
        except NotConvertibleError as error:
            ours, attempts = "not convertible", error.attempts
        plain = plain_result(name, estimator, seen, attempts)
        skl2onnx = [a.result for a in attempts if "own" not in a.recipe and a.recipe != "float32"]
        found.append((name, plain, ours))
        print(f"| {name} | {plain} | {ours} |", skl2onnx, flush=True)
    plain = np.array([p for _, p, _ in found])
    ours = np.array([o for _, _, o in found])
    print(f"{len(found)} estimators")
    print(f"plain: {(plain == 'accepted').sum()} right, {(plain == 'different').sum()} silently wrong, ", end="")
    print(f"{(plain == 'impossible').sum()} not made")
    print(f"recipes: {(~np.isin(ours, ['refused', 'not convertible'])).sum()} accepted, ", end="")
    print(f"{(ours == 'refused').sum()} refused, {(ours == 'not convertible').sum()} not made")


if __name__ == "__main__":
    main()
