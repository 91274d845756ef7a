"""A file of settings, in TOML or JSON, under what options and variables say."""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import msgspec

from modelyard_scoring.errors import SettingsFileError


def read_settings_file(file: Path, known: Collection[str]) -> dict[str, str]:
    """Read the settings in a file as the texts that options would have.

    Raises
    ------
    SettingsFileError
        If the file cannot be read, or has a name that is not `known` or a value that no setting has.
    """
    try:
        text = file.read_text(encoding="utf-8")
        content = msgspec.json.decode(text) if file.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise SettingsFileError(file, f"cannot be read: {error.strerror}") from error
    except (msgspec.MsgspecError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsFileError(file, f"cannot be understood: {error}") from error
    if not isinstance(content, dict):
        raise SettingsFileError(file, "holds no table of names and values")
    if unknown := sorted(set(content) - set(known)):
        raise SettingsFileError(file, f"has the name {unknown[0]!r}, which is not one of {', '.join(sorted(known))}")
    return {name: _text(file, name, value) for name, value in content.items() if value is not None}


def _text(file: Path, name: str, value: Any) -> str:
    if isinstance(value, list):
        return ",".join(_text(file, name, one) for one in value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise SettingsFileError(file, f"has another value for {name!r} than a text, a number, or a list of them")
