"""Modules of this folder as programs that start in a few milliseconds."""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent.parent
# The package without its own `__init__`, which takes longer to import than all that such a program needs; as modules
# they are compiled once, unlike a file that is run.
_START = """\
import sys
sys.modules["modelyard"] = package = type(sys)("modelyard")
package.__path__ = [sys.argv.pop(1)]
from modelyard.compute.{module} import main
main()
"""


def program(module: str, *words: str) -> list[str]:
    """Make the command that runs ``main`` of a module of this folder, which must import little."""
    return [sys.executable, "-I", "-S", "-c", _START.format(module=module), str(_PACKAGE), *words]
