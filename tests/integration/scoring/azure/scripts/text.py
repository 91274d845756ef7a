"""Answers the text of the body in many ways."""

import json
import os
import sys
from pathlib import Path

import numpy as np

ANSWERS = {
    "dict": {"a": [1, 2.5, "ü", None, True]},
    "list": [1, [2]],
    "text": "a text",
    "none": None,
    "nan": [float("nan")],
    "bytes": b"bytes",
    "array": np.array([[1, 2]]),
    "number": np.float64(0.5),
    "set": {1},
}
VARIABLES = ("AZUREML_MODEL_DIR", "AML_APP_ROOT", "AZUREML_ENTRY_SCRIPT")


def init():
    ANSWERS["folder"] = [name in os.environ for name in VARIABLES]
    ANSWERS["path"] = (Path(os.environ["AML_APP_ROOT"]) / os.environ["AZUREML_ENTRY_SCRIPT"]).is_file()


def run(data):
    what = json.loads(data).get("what", "echo") if data.startswith("{") else "echo"
    if what == "raise":
        raise ValueError("a secret")
    if what == "exit":
        sys.exit(0)
    return data if what == "echo" else ANSWERS[what]
