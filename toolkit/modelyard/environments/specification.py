"""What is asked for: a Python version, requirements, and what else an environment needs."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Self
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from modelyard.environments.contents import PrivateWheel, Variable
from modelyard.environments.errors import InvalidRequirementError, InvalidSpecificationError
from modelyard.environments.platforms import running_python
from modelyard.names import check_name

_PYTHON = re.compile(r"3\.[0-9]{1,2}")
_SYSTEM_PACKAGE = re.compile(r"[a-z0-9][a-z0-9.+-]*(=[A-Za-z0-9.+:~-]+)?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class EnvironmentSpec(Struct, frozen=True, kw_only=True):
    """What an environment is to hold; `create` brings it into its canonical form.

    `python` is ``3.N``; `requirements` and `constraints` are PEP 508 texts, normalised and sorted; `index` and
    `extra_indexes` are addresses without credentials (empty: as the machine is configured). `source` is the conda file
    that it came from, and `notes` say what was changed in translation; neither is part of the digest.
    """

    name: str = ""
    python: str
    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    wheels: tuple[PrivateWheel, ...] = ()
    index: str = ""
    extra_indexes: tuple[str, ...] = ()
    system_packages: tuple[str, ...] = ()
    variables: tuple[Variable, ...] = ()
    allow_source_builds: bool = False
    source: str = ""
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check every field that has a rule."""
        if self.name:
            check_name("an environment", self.name)
        if _PYTHON.fullmatch(self.python) is None:
            raise InvalidSpecificationError("python", self.python, "write the minor version, such as '3.11'.")
        for address in (self.index, *self.extra_indexes):
            _check_index(address)
        for package in self.system_packages:
            if _SYSTEM_PACKAGE.fullmatch(package) is None:
                rule = "write the name of a Debian package, such as 'libgomp1' or 'libgomp1=12.2.0-14'."
                raise InvalidSpecificationError("system package", package, rule)
        _check_variables(self.variables)

    @classmethod
    def create(  # noqa: PLR0913 - the fields of an environment, all by keyword
        cls,
        requirements: Sequence[str] = (),
        *,
        name: str = "",
        python: str | None = None,
        constraints: Sequence[str] = (),
        wheels: Sequence[PrivateWheel] = (),
        system_packages: Sequence[str] = (),
        variables: dict[str, str] | None = None,
    ) -> Self:
        """Make a specification from a plain list of requirements.

        `python` is the running interpreter's version if it is not given.

        Raises
        ------
        InvalidRequirementError
            If a requirement is not a PEP 508 text, or refers to an address or a path.
        InvalidSpecificationError
            If another field breaks its rule.
        """
        return cls(
            name=name,
            python=python or running_python(),
            requirements=normalise(requirements),
            constraints=normalise(constraints),
            wheels=tuple(sorted(set(wheels))),
            system_packages=tuple(sorted(set(system_packages))),
            variables=tuple(sorted(Variable(name=k, value=v) for k, v in (variables or {}).items())),
        )

    @property
    def canonical(self) -> bytes:
        """What the digest is taken of: JSON with sorted keys, of all that the environment's content depends on."""
        document = msgspec.to_builtins(self)
        for unrelated in ("name", "source", "notes"):
            del document[unrelated]
        return msgspec.json.encode(document, order="sorted")

    @property
    def digest(self) -> str:
        """The sha256 of `canonical`, in hexadecimal."""
        return hashlib.sha256(self.canonical).hexdigest()


def normalise(requirements: Sequence[str], source: str = "requirements") -> tuple[str, ...]:
    """Bring requirements into one form each, sorted, without doubles.

    Raises
    ------
    InvalidRequirementError
        If one is not a PEP 508 text, or refers to an address or a path.
    """
    return tuple(sorted({requirement(text, source, 0) for text in requirements}))


def requirement(text: str, source: str, line: int) -> str:
    """Bring one requirement into its normal form: canonical name, sorted extras and bounds.

    Raises
    ------
    InvalidRequirementError
        If it is not a PEP 508 text, or refers to an address or a path; it names `source` and `line`.
    """
    try:
        parsed = Requirement(text)
    except InvalidRequirement as error:
        reason = f"not a requirement such as 'numpy>=1.26,<3' ({str(error).splitlines()[0]})."
        raise InvalidRequirementError(source, line, text, reason) from None
    if parsed.url:
        reason = "an address is not a version that can be locked; build a wheel and add it as a private wheel."
        raise InvalidRequirementError(source, line, text, reason)
    extras = f"[{','.join(sorted({canonicalize_name(e) for e in parsed.extras}))}]" if parsed.extras else ""
    bounds = ",".join(sorted(str(bound) for bound in parsed.specifier))
    marker = f" ; {parsed.marker}" if parsed.marker else ""
    return f"{canonicalize_name(parsed.name)}{extras}{bounds}{marker}"


def requirement_name(text: str) -> str:
    """Say which package a requirement is of, as the index spells it."""
    return canonicalize_name(Requirement(text).name)


def _check_index(address: str) -> None:
    if not address:
        return
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https", "file"):
        raise InvalidSpecificationError("index", parts.scheme, "it begins with https://, http:// or file://.")
    if parts.username or parts.password or parts.query:
        shown = f"{parts.scheme}://{parts.hostname}{parts.path}"
        rule = "credentials are not kept; put them in ~/.netrc or in UV_DEFAULT_INDEX where it is resolved."
        raise InvalidSpecificationError("index", shown, rule)


def _check_variables(variables: tuple[Variable, ...]) -> None:
    for variable in variables:
        if _VARIABLE.fullmatch(variable.name) is None or "\x00" in variable.value:
            rule = "a variable's name has letters, digits and '_', and its value no NUL."
            raise InvalidSpecificationError("variable", variable.name, rule)
    names = [variable.name for variable in variables]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidSpecificationError("variable", min(twice), "each variable has one value.")
