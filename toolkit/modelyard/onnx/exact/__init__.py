"""Our own translation of estimators to ONNX, in double precision throughout.

One module for each family of estimators; each has a table of the classes it knows. What no table has is not
translated, and what is translated is measured like everything else.
"""
