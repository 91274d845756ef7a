"""What a step is given of a data set: a version, and how it is to be had."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Literal, Self

from msgspec import Struct, structs

from modelyard.errors import InvalidValueError

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")


class DatasetInput(Struct, frozen=True):
    """A version of a data set, to be had by a step; made by `Dataset.as_input` and its like.

    Parameters
    ----------
    dataset
        A `Dataset`.
    name
        What the step calls it: letters, digits and ``_``; by default the name of the data set.
    mode
        ``mount`` or ``download``; whatever it is, the step gets a folder of its machine.

    Raises
    ------
    InvalidValueError
        If the name cannot be.
    """

    dataset: Any  # a Dataset, whose methods make these: a name that is not known here when values are made
    name: str | None = None
    mode: Literal["mount", "download"] = "mount"

    def __post_init__(self) -> None:
        if self.name is None:
            plain = re.sub(r"[^A-Za-z0-9_]", "_", self.dataset.name)
            structs.force_setattr(self, "name", f"_{plain}"[:128] if plain[:1].isdigit() else plain)
        elif _NAME.fullmatch(self.name) is None:
            reason = "write letters, digits and '_', such as 'training_data'; it does not begin with a digit"
            raise InvalidValueError(f"name {self.name!r}", reason)

    def as_mount(self) -> Self:
        """Return one that is to be had without copying it first, where that can be done."""
        return structs.replace(self, mode="mount")

    def as_download(self) -> Self:
        """Return one that is copied before the step begins."""
        return structs.replace(self, mode="download")

    def materialise(self, folder: str | Path) -> Path:
        """Bring its files to this machine, into `folder`, and return that."""
        self.dataset.download(folder, overwrite=True, show_progress=False)
        return Path(folder)
