"""Begins to note in a Python program that code starts while it is tried.

Python imports the first module of this name on its path when it starts. This one takes its folder off the path, and
lets the program's own one do its work, if there is one.
"""

import os
import sys
from contextlib import suppress
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

_HERE = Path(__file__).parent


def _begin() -> None:
    file = os.environ.get("MODELYARD_NOTES")
    spec = spec_from_loader("modelyard_notes", SourceFileLoader("modelyard_notes", str(_HERE.parent / "notes.py")))
    if file is None or spec is None or spec.loader is None:
        return
    notes = module_from_spec(spec)
    spec.loader.exec_module(notes)
    with suppress(OSError):  # the trial is over, and its notes are gone
        notes.begin(file)


def _go_on() -> None:
    spec = PathFinder.find_spec("sitecustomize")
    if spec is not None and spec.loader is not None:
        own = module_from_spec(spec)
        sys.modules["sitecustomize"] = own
        spec.loader.exec_module(own)


sys.path[:] = [path for path in sys.path if path != str(_HERE)]
_begin()
_go_on()
