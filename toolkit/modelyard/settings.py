"""What the environment says, read once into one value."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn, Self

from msgspec import Struct

from modelyard.errors import InvalidValueError


class Secret:
    """A text that does not show itself: `reveal` is the one way to read it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text."""
        return self._text

    def __repr__(self) -> str:
        return "Secret('***')"

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _memo: object) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret does not leave its process: it cannot be pickled")


class Settings(Struct, frozen=True, kw_only=True):
    """What the environment says.

    ``MODELYARD_HOME`` (a folder; what this user has, such as the list of workspaces), ``MODELYARD_CACHE`` (a folder
    that may be deleted at any time), ``MODELYARD_WORKSPACE`` (a workspace's folder or the URL of a server),
    ``MODELYARD_TOKEN`` (for that server), ``MODELYARD_RUN`` (the run that this process belongs to),
    ``MODELYARD_OFFLINE`` (``1`` or ``0``: never use the network), ``AZUREML_MODEL_DIR`` (a folder; inside a service,
    where its models are).
    """

    home: Path
    cache: Path
    workspace: str | None = None
    token: Secret | None = None
    run: str | None = None
    offline: bool = False
    model_dir: Path | None = None

    @classmethod
    def read(cls, environment: Mapping[str, str] | None = None) -> Self:
        """Read the settings from `environment`, by default this process's.

        Raises
        ------
        InvalidValueError
            If a variable has a value that it cannot have.
        """
        given = os.environ if environment is None else environment
        user = Path(given.get("HOME") or "/tmp")  # noqa: S108 - a container without a home still has to work
        data = Path(given.get("XDG_DATA_HOME") or user / ".local/share")
        cache = Path(given.get("XDG_CACHE_HOME") or user / ".cache")
        return cls(
            home=Path(given.get("MODELYARD_HOME") or data / "modelyard"),
            cache=Path(given.get("MODELYARD_CACHE") or cache / "modelyard"),
            workspace=given.get("MODELYARD_WORKSPACE") or None,
            token=Secret(given["MODELYARD_TOKEN"]) if given.get("MODELYARD_TOKEN") else None,
            run=given.get("MODELYARD_RUN") or None,
            offline=_flag("MODELYARD_OFFLINE", given.get("MODELYARD_OFFLINE", "")),
            model_dir=Path(given["AZUREML_MODEL_DIR"]) if given.get("AZUREML_MODEL_DIR") else None,
        )


def _flag(name: str, text: str) -> bool:
    if text not in ("", "0", "1"):
        raise InvalidValueError(f"{name}={text!r}", "write 1 or 0")
    return text == "1"
