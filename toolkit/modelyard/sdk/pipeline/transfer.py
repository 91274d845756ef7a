"""Data from one place to another, as a step: it is read back and compared."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from modelyard.data.access import Access
from modelyard.data.folder import FolderAccess
from modelyard.data.relay import relay
from modelyard.errors import InvalidValueError
from modelyard.sdk.data.datastore import Datastore
from modelyard.sdk.data.reference import DataPath, DataReference
from modelyard.sdk.pipeline.action import carry_out
from modelyard.sdk.pipeline.data import DataInput, PipelineData
from modelyard.sdk.pipeline.ports import added
from modelyard.sdk.pipeline.step import PipelineStep, StepOptions, check_options
from modelyard.sdk.workspace import Workspace


class DataTransferStep(PipelineStep):
    """Bring a file or a folder to another place, and compare what is there then with what was read.

    What is there already with the same content is not sent again. The step runs each time, for who knows what has
    happened to its destination; a transfer of what is there costs little.

    Parameters
    ----------
    name
        What the step is called.
    source_data_reference
        A `DataReference`, a `DataPath`, or `PipelineData` that another step writes.
    destination_data_reference
        The same, or `PipelineData` that others read; of a file, the path of the file.
    options
        What every step may be given: `StepOptions`.

    Raises
    ------
    UnknownArgumentError
        If it is given what it does not take.
    InvalidValueError
        If a value cannot be.
    """

    kind = "transfer"
    has_code = False

    def __init__(
        self,
        name: str,
        source_data_reference: Any,
        destination_data_reference: Any,
        **options: Unpack[StepOptions],
    ) -> None:
        check_options(type(self).__name__, options, ("name", "source_data_reference", "destination_data_reference"))
        source, destination = source_data_reference, destination_data_reference
        words = ["python", "-m", "modelyard.sdk.pipeline.transfer", *_end("from", source), *_end("to", destination)]
        options.setdefault("allow_reuse", False)
        options["inputs"] = added(options.get("inputs"), *_ports(source))
        options["outputs"] = added(options.get("outputs"), *_ports(destination))
        super().__init__(name, words, options)


def _end(what: str, place: Any) -> list[Any]:
    match place:
        case DataReference() | DataPath():
            return [f"--{what}={place.datastore.name}/{place.path_on_datastore or ''}"]
        case PipelineData() | DataInput():
            return [f"--{what}-path", place]
    raise InvalidValueError(f"the {what} of a transfer", f"give PipelineData or a DataReference, not {place!r:.60}")


def _ports(place: Any) -> list[Any]:
    return [place] if isinstance(place, PipelineData | DataInput) else []


def transfer(workspace: Workspace, arguments: Sequence[str]) -> str:
    """Carry out what the words of a `DataTransferStep` say."""
    parser = argparse.ArgumentParser(prog="python -m modelyard.sdk.pipeline.transfer", description=__doc__)
    for what in ("from", "to"):
        end = parser.add_mutually_exclusive_group(required=True)
        end.add_argument(f"--{what}", dest=what, metavar="DATASTORE/PATH")
        end.add_argument(f"--{what}-path", type=Path, dest=f"{what}_path", metavar="PATH")
    given = vars(parser.parse_args(arguments))
    source, prefix = _opened(workspace, given["from"], given["from_path"])
    destination, target = _opened(workspace, given["to"], given["to_path"])
    there = relay(source, prefix, destination, target)
    return f"{len(there)} files with {sum(one.size for one in there)} bytes are there, with the same content."


def _opened(workspace: Workspace, named: str | None, path: Path | None) -> tuple[Access, str]:
    if named is not None:
        name, _, path_on_datastore = named.partition("/")
        return Datastore(workspace, name).access, path_on_datastore
    local = (path or Path()).absolute()
    return FolderAccess("of this machine", local.parent), local.name


if __name__ == "__main__":
    carry_out(transfer)
