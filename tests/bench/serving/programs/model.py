"""The digits model as every peer runs it: onnxruntime, one thread, rows in, labels and probabilities out."""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime

NAMES = ["label", "probabilities"]


def open_model():
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(os.environ["MODEL"], options, providers=["CPUExecutionProvider"])


def score(session, rows):
    labels, probabilities = session.run(NAMES, {"input": np.asarray(rows, np.float32)})
    return labels, probabilities


def answer(session, rows):
    labels, probabilities = score(session, rows)
    return {"label": labels.tolist(), "probabilities": probabilities.tolist()}
