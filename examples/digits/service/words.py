"""Like score.py, with the digits in words; whoever wrote it stopped too early."""

import json
import os
from pathlib import Path

import numpy as np
import onnxruntime

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven")


def init():
    global session
    (file,) = Path(os.environ["AZUREML_MODEL_DIR"]).rglob("*.onnx")
    session = onnxruntime.InferenceSession(file)


def run(data):
    images = np.asarray(json.loads(data)["data"], np.float32)
    labels, probabilities = session.run(["label", "probabilities"], {session.get_inputs()[0].name: images})
    return {"label": labels, "sure": probabilities.max(axis=1), "word": [WORDS[label] for label in labels]}
