"""Where the models of a service are, for its script: ``Model.get_model_path(name)``, as Azure's SDK has it."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

VARIABLE = "MODEL_PATHS"
"""Names the models to a script: JSON, a list of objects with name, version and path."""


class Place(Struct, frozen=True, kw_only=True):
    """Where a model is."""

    name: str
    version: int
    path: str


class ModelNotFoundError(LookupError):
    """The service has no model of that name and version."""

    def __init__(self, wanted: str, known: list[str]) -> None:
        near = difflib.get_close_matches(wanted, known, len(known), 0)
        super().__init__(f"The service has no model {wanted!r}. It has: {', '.join(near) or 'none'}.")


class Model:
    """Finds models by their names."""

    @staticmethod
    def get_model_path(model_name: str, version: int | None = None, _workspace: Any = None) -> str:
        """Give the path of a model: of its file, if it has one only, else of its folder.

        Raises
        ------
        ModelNotFoundError
            If the service has no such model.
        """
        places = msgspec.json.decode(os.environ.get(VARIABLE, "[]"), type=list[Place])
        for place in places:
            if place.name == model_name and version in {None, place.version}:
                files = [file for file in Path(place.path).rglob("*") if file.is_file()]
                return str(files[0]) if len(files) == 1 else place.path
        wanted = model_name if version is None else f"{model_name}:{version}"
        raise ModelNotFoundError(wanted, [f"{place.name}:{place.version}" for place in places])
