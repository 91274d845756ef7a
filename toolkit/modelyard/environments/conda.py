"""Conda environment files, translated: what pip can provide becomes requirements, the rest is named and explained."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct, structs
from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.utils import canonicalize_name

from modelyard.environments.conda_names import BUNDLED, RENAMED, UNAVAILABLE, UNAVAILABLE_PREFIXES
from modelyard.environments.contents import Variable
from modelyard.environments.errors import CondaTranslationError
from modelyard.environments.platforms import running_python
from modelyard.environments.requirements_file import read_requirements
from modelyard.environments.specification import EnvironmentSpec

_KEYS = frozenset({"name", "channels", "dependencies", "prefix", "variables", "platforms"})
_ENTRY = re.compile(
    r"(?:[\w.:/-]+::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9._-]*)"
    r"(?:\[version=['\"](?P<bracket>[^'\"]*)['\"]\]|\s*(?P<rest>[=<>!~*\s].*))?"
)
_EXACT = re.compile(r"==?(?P<version>[^=<>!~,|\s]+)=(?P<build>\S+)")
_BOUND = re.compile(r"(?P<operator>==|>=|<=|!=|~=|=|>|<)?\s*(?P<version>[A-Za-z0-9_.+!-]*\*?)")
_PYTHONS = tuple(f"3.{minor}" for minor in range(20, 7, -1))


class _Translation(Struct):
    """What the entries have given so far."""

    python: str = ""
    requirements: list[str] = []
    notes: list[str] = []
    problems: list[str] = []


def from_conda_specification(path: str | Path, *, name: str = "", python: str | None = None) -> EnvironmentSpec:
    """Read a conda environment file.

    Well-known packages get the name that the Python index has for them, version bounds are translated, libraries that
    the interpreter or the wheels bring are dropped; `notes` of the result say each such change. Channels mean nothing
    here. `python` is used where the file does not name a version.

    Raises
    ------
    CondaTranslationError
        Naming every package that pip cannot provide, why, and what to do.
    InvalidRequirementError
        If a line under ``pip:`` cannot be taken.
    """
    path = Path(path)
    document, text = _load(path)
    translation = _Translation()
    pip: list[str] = []
    for entry in document.get("dependencies") or []:
        if isinstance(entry, dict) and list(entry) == ["pip"]:
            pip += [str(line) for line in entry["pip"] or []]
        elif isinstance(entry, str):
            _translate(entry.strip(), translation)
        else:
            translation.problems.append(f"{entry!r} is not an entry; write NAME, NAME=VERSION or a list under pip:")
    if translation.problems:
        raise CondaTranslationError(str(path), translation.problems)
    lines = read_requirements(pip, path.parent, f"{path} (pip)")
    if document.get("channels"):
        translation.notes.append("Channels are not used: packages come from the Python index.")
    return structs.replace(
        lines,
        name=name or str(document.get("name") or ""),
        python=translation.python or python or running_python(),
        requirements=tuple(sorted({*translation.requirements, *lines.requirements})),
        variables=_variables(document),
        source=text,
        notes=tuple(translation.notes),
    )


def translate_bounds(text: str) -> str:
    """Write conda version bounds as pip writes them: ``=1.2`` becomes ``==1.2.*``, a bare ``1.2`` becomes ``==1.2``.

    Raises
    ------
    ValueError
        If pip has no way to write them; the text says why.
    """
    text = text.strip()
    if "|" in text:
        raise ValueError("alternatives with '|' cannot be written for pip; choose one range")
    bounds = ",".join(filter(None, (_bound(part.strip()) for part in text.split(","))))
    try:
        return ",".join(sorted(str(bound) for bound in SpecifierSet(bounds)))
    except InvalidSpecifier:
        raise ValueError(f"{text!r} is not a version that pip knows") from None


def _load(path: Path) -> tuple[dict[str, Any], str]:
    try:
        text = path.read_text(encoding="utf-8-sig")
        document = yaml.safe_load(text)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CondaTranslationError(str(path), [f"the file cannot be read: {error}"]) from None
    if not isinstance(document, dict) or not isinstance(document.get("dependencies") or [], list):
        raise CondaTranslationError(str(path), ["it is not a conda file; write name:, channels: and dependencies:"])
    if unknown := sorted(str(key) for key in document if key not in _KEYS):
        problems = [f"the key {key!r} is unknown; there are: {', '.join(sorted(_KEYS))}" for key in unknown]
        raise CondaTranslationError(str(path), problems)
    return document, text


def _translate(entry: str, into: _Translation) -> None:
    match = _ENTRY.fullmatch(entry)
    if match is None:
        into.problems.append(f"{entry!r} is not an entry; write NAME, NAME=VERSION or NAME>=VERSION")
        return
    name = match["name"].lower()
    bounds = (match["bracket"] or match["rest"] or "").strip()
    if exact := _EXACT.fullmatch(bounds):
        bounds = f"=={exact['version']}"
        if name not in BUNDLED:
            into.notes.append(f"{name}: the build {exact['build']} has no meaning for pip and was dropped.")
    if name in BUNDLED or name == "pip":
        into.notes.append(f"{name}: dropped; the interpreter or the wheels bring what they need of it.")
    elif reason := _unavailable(name):
        into.problems.append(f"{name}: {reason}.")
    else:
        _add(name, bounds, into)


def _add(name: str, bounds: str, into: _Translation) -> None:
    try:
        translated = translate_bounds(bounds)
    except ValueError as error:
        into.problems.append(f"{name}: {error}.")
        return
    if name == "python":
        into.python = _python(translated, into)
        return
    renamed = canonicalize_name(RENAMED.get(name, name))
    if renamed != canonicalize_name(name):
        into.notes.append(f"{name}: called {renamed} in the Python index.")
    into.requirements.append(f"{renamed}{translated}")


def _bound(text: str) -> str:
    if text in ("", "*", "=*", "==*"):
        return ""
    match = _BOUND.fullmatch(text)
    if match is None or not match["version"]:
        raise ValueError(f"{text!r} is not a version bound")
    operator, version = match["operator"] or "==", match["version"]
    if operator == "=":
        return f"=={version.removesuffix('*').rstrip('.')}.*"
    if version.endswith("*"):
        stem = version.removesuffix("*").rstrip(".")
        return f"{operator}{stem}.*" if operator in ("==", "!=") else f"{operator}{stem}"
    return f"{operator}{version}"


def _unavailable(name: str) -> str:
    if name in UNAVAILABLE:
        return UNAVAILABLE[name]
    return next((why for prefix, why in UNAVAILABLE_PREFIXES.items() if name.startswith(prefix)), "")


def _python(bounds: str, into: _Translation) -> str:
    """Choose the minor version: the running one where it is allowed, else the newest that is."""
    exact = re.fullmatch(r"==3\.(\d+)(\.[\d*.]+)?", bounds)
    if exact:
        if re.search(r"\.\d", exact[2] or ""):
            into.notes.append(f"python{bounds}: the patch level is not pinned; any 3.{exact[1]} will do.")
        return f"3.{exact[1]}"
    allowed = SpecifierSet(bounds)
    for version in (running_python(), *_PYTHONS):
        if f"{version}.0" in allowed or f"{version}.99" in allowed:
            return version
    into.problems.append(f"python{bounds}: no version of Python 3 from 3.8 on satisfies it.")
    return ""


def _variables(document: dict[str, Any]) -> tuple[Variable, ...]:
    variables = document.get("variables") or {}
    return tuple(sorted(Variable(name=str(k), value=str(v)) for k, v in variables.items()))
