"""What flows between steps: data that one of them writes and others read."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Self

from msgspec import Struct

from modelyard.data.paths import read_prefix
from modelyard.errors import InvalidValueError

if TYPE_CHECKING:
    from modelyard.sdk.pipeline.step import PipelineStep

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class PipelineData:
    """What a step writes and others read; that makes them wait for it.

    It stands in the arguments of steps for a local path, and so does its text in an f-string.

    Parameters
    ----------
    name
        Letters, digits and ``_``.
    datastore
        A `Datastore` in which it is kept too, below ``azureml/RUN``; by default the workspace alone keeps it.
    output_name
        What the output is called, if not `name`.
    is_directory
        True: the folder is there when the step begins; False: the step must write a file; None: whichever.
    path_on_datastore
        Where in the datastore, if not below ``azureml/RUN``.

    Raises
    ------
    InvalidValueError
        If a name or the datastore cannot be.
    """

    def __init__(
        self,
        name: str,
        datastore: Any = None,
        output_name: str | None = None,
        *,
        is_directory: bool | None = None,
        path_on_datastore: str = "",
    ) -> None:
        self.name = _check(name)
        self.output_name = _check(output_name or name)
        if datastore is not None and not hasattr(datastore, "upload_files"):
            reason = f"give one, such as workspace.get_default_datastore(), not {type(datastore).__name__}"
            raise InvalidValueError("datastore", reason)
        self.datastore = datastore
        self.is_directory = is_directory
        self.path_on_datastore = read_prefix(path_on_datastore)
        self.writers: list[PipelineStep] = []

    def as_mount(self) -> Self:
        """Return it as it is: whatever the mode, a step gets a local path."""
        return self

    as_download = as_mount

    def as_input(self, input_name: str) -> DataInput:
        """Return it under another name, for a step that reads it."""
        return DataInput(data=self, name=_check(input_name))

    def path(self, sub: str) -> DataInput:
        """Return what is at `sub` in it, for a step that reads just that."""
        return DataInput(data=self, name=self.name, path=read_prefix(sub))

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.name}"

    def __repr__(self) -> str:
        return f"PipelineData({self.name!r})"


class DataInput(Struct, frozen=True, kw_only=True, eq=False):
    """What a step reads of what another writes: all of it, or what is at `path`."""

    data: PipelineData
    name: str
    path: str = ""

    def as_input(self, input_name: str) -> DataInput:
        """Return it under another name."""
        return DataInput(data=self.data, name=_check(input_name), path=self.path)

    def __str__(self) -> str:
        return f"$AZUREML_DATAREFERENCE_{self.name}"


def _check(name: str) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidValueError(f"PipelineData {name!r}", "write letters, digits and '_'; no digit first")
    return name
