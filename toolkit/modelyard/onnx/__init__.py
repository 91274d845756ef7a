"""Conversion of trained estimators to ONNX, with measured parity."""
