"""Write the model the way MLflow serves it: MODEL becomes the folder that is named."""

import os
import sys

import mlflow
import onnx

mlflow.onnx.save_model(onnx.load(os.environ["MODEL"]), sys.argv[1], pip_requirements=["onnxruntime"])
