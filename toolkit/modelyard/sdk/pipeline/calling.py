"""The process of a `FunctionStep`: it calls the function of a module, and keeps what it gives back."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from modelyard.sdk.pipeline.function import StepFunction, hints_of


def call(arguments: Sequence[str]) -> None:
    """Carry out what the words of a `FunctionStep` say; the source folder is the current one.

    They are the module, the function, and for each thing that it is given three: how, its name, and what.
    """
    module, name, *words = arguments
    sys.path.insert(0, str(Path.cwd()))
    found = getattr(importlib.import_module(module), name)
    function = found.function if isinstance(found, StepFunction) else found
    hints = hints_of(function)
    given: dict[str, Any] = {}
    results: list[Path] = []
    for how, parameter, text in zip(words[::3], words[1::3], words[2::3], strict=True):
        match how:
            case "path":
                given[parameter] = Path(text)
            case "value":
                given[parameter] = (
                    text if hints[parameter] is str else msgspec.convert(text, hints[parameter], strict=False)
                )
            case "read":
                given[parameter] = msgspec.json.decode(Path(text).read_bytes(), type=hints[parameter])
            case "result":
                results.append(Path(text))
    answer = function(**given)
    for file in results:
        file.write_bytes(msgspec.json.encode(msgspec.convert(answer, hints["return"])))


if __name__ == "__main__":
    call(sys.argv[1:])
