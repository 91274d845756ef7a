"""``modelyard-score PATH`` and ``python -m modelyard_scoring PATH``: serve a model folder, or an ONNX file."""

from __future__ import annotations

import gc
import importlib
import os
import sys


def run() -> None:
    """Serve as the command ``modelyard-score`` does.

    Some 450 modules are imported first. They leave no garbage, and looking for it again and again among all that they
    make takes 6 in a hundred of that time. They are here to stay, too, so that no process has to look at them later.
    """
    gc.disable()
    serve = importlib.import_module("modelyard_scoring.serve")
    gc.freeze()
    gc.enable()
    sys.exit(serve.main(sys.argv[1:], os.environ))


if __name__ == "__main__":
    run()
