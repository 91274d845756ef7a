"""From a specification to a lock, by ``uv pip compile``: exact versions and hashes, one lock for each platform."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from msgspec import Struct, structs

from modelyard.environments.diagnosis import diagnose, missing_wheel
from modelyard.environments.errors import (
    LocalPackageError,
    MissingOfflineError,
    NoWheelError,
    ResolveError,
    ResolveTimeoutError,
    WrongPythonError,
)
from modelyard.environments.lock import Lock, LockedPackage, read_pins
from modelyard.environments.platforms import check_platform, running_platform
from modelyard.environments.progress import Progress, silent
from modelyard.environments.specification import EnvironmentSpec, requirement_name
from modelyard.environments.uv_program import Uv
from modelyard.environments.wheelhouse import Wheelhouse, pinned_requirement

TIMEOUT = 300.0
_PYTHONS = tuple(f"3.{minor}" for minor in range(8, 15))
_MISSING_LOOKED_FOR = 100


class _Question(Struct, frozen=True, kw_only=True):
    """What uv is asked to resolve."""

    spec: EnvironmentSpec
    platform: str
    exclude_newer: datetime | None = None
    follow: bool = True


class Resolver(Struct, frozen=True, kw_only=True):
    """What resolves: uv, where private wheels are, the seconds that one lock may take, and who is told what is done."""

    uv: Uv = Uv()
    wheelhouse: Path | None = None
    timeout: float = TIMEOUT
    progress: Progress = silent

    def lock(
        self, spec: EnvironmentSpec, *, platform: str | None = None, exclude_newer: datetime | None = None
    ) -> Lock:
        """Find the exact packages that satisfy `spec`.

        The same specification, platform and `exclude_newer` (files uploaded later are not looked at) give the same
        lock. `platform` is one of `platforms.PLATFORMS`, the running machine's if not given.

        Raises
        ------
        ResolveError
            If there are none: with the chain of reasons as uv gives it, and what to change. Its subclasses tell apart
            an unknown package, another Python or platform, an index that does not answer, and a cache that lacks
            something.
        PrivateWheelError
            If a private wheel is not at hand.
        """
        name = check_platform(platform or running_platform())
        packages = self._resolve(_Question(spec=spec, platform=name, exclude_newer=exclude_newer))
        return Lock(
            kind="resolved",
            platform=name,
            python=spec.python,
            packages=packages,
            wheels=spec.wheels,
            system_packages=spec.system_packages,
            variables=spec.variables,
            allow_source_builds=spec.allow_source_builds,
            spec=spec.digest,
            resolver=self.uv.version,
            exclude_newer=_utc(exclude_newer),
        )

    def resolve_recorded(self, lock: Lock, *, platform: str | None = None, leave_out: Sequence[str] = ()) -> Lock:
        """Find the hashes of exactly the versions that `lock` recorded; a resolved lock is returned as it is.

        Nothing is added, and nothing changes its version. Local packages are an error unless they are named in
        `leave_out`, or are among the lock's private wheels.

        Raises
        ------
        LocalPackageError
            If packages were installed from local files.
        ResolveError
            If the index no longer has one of the versions, or not for `platform`.
        """
        if lock.kind == "resolved":
            return lock
        name = check_platform(platform or lock.platform)
        own = {pinned_requirement(wheel.filename)[0] for wheel in lock.wheels}
        packages = [p for p in lock.packages if p.name not in leave_out]
        if local := [f"{p.name} ({p.local})" for p in packages if p.local and p.name not in own]:
            raise LocalPackageError(local)
        spec = EnvironmentSpec(
            python=lock.python,
            requirements=tuple(f"{p.name}=={p.version}" for p in packages),
            wheels=lock.wheels,
            allow_source_builds=lock.allow_source_builds,
        )
        found = self._resolve(_Question(spec=spec, platform=name, follow=False))
        return structs.replace(lock, kind="resolved", platform=name, packages=found, resolver=self.uv.version)

    def _resolve(self, question: _Question) -> tuple[LockedPackage, ...]:
        wanted = len(question.spec.requirements)
        self.progress(f"Resolving {wanted} requirements for Python {question.spec.python} on {question.platform}")
        with tempfile.TemporaryDirectory(prefix="modelyard-lock-") as name:
            arguments = self._arguments(question, Path(name))
            try:
                finished = self.uv.run(arguments, timeout=self.timeout)
            except TimeoutError:
                raise _too_slow(self.timeout, question) from None
        if finished.status != 0:
            raise self._failure(question, finished.stderr)
        return _with_private_hashes(read_pins(finished.stdout), question.spec)

    def _arguments(self, question: _Question, folder: Path) -> list[str]:
        spec = question.spec
        own = ["==".join(pinned_requirement(wheel.filename)) for wheel in spec.wheels]
        (folder / "requirements.in").write_text("\n".join([*spec.requirements, *own, ""]))
        (folder / "constraints.txt").write_text("\n".join([*spec.constraints, ""]))
        arguments = [
            "pip",
            "compile",
            str(folder / "requirements.in"),
            "--constraints",
            str(folder / "constraints.txt"),
        ]
        arguments += ["--generate-hashes", "--no-header", "--no-annotate", "--quiet"]
        arguments += ["--python", sys.executable, "--python-version", spec.python]
        arguments += ["--python-platform", question.platform]
        arguments += [] if spec.allow_source_builds else ["--only-binary", ":all:"]
        arguments += [] if question.follow else ["--no-deps"]
        arguments += ["--exclude-newer", _utc(question.exclude_newer)] if question.exclude_newer else []
        arguments += self._uv(spec).indexes
        if spec.wheels:
            (folder / "wheels").mkdir()
            Wheelhouse(self.wheelhouse or folder).lay_out(spec.wheels, folder / "wheels")
            arguments += ["--find-links", str(folder / "wheels")]
        return arguments

    def _uv(self, spec: EnvironmentSpec) -> Uv:
        extra = spec.extra_indexes or self.uv.extra_indexes
        return structs.replace(self.uv, index=spec.index or self.uv.index, extra_indexes=extra)

    def _failure(self, question: _Question, stderr: str) -> ResolveError:
        error = diagnose(stderr, question.spec, question.platform)
        if isinstance(error, MissingOfflineError):
            return self._all_missing(question, error)
        if isinstance(error, NoWheelError) and (package := missing_wheel(error)):
            return self._other_pythons(question, error, package)
        return error

    def _all_missing(self, question: _Question, error: MissingOfflineError) -> ResolveError:
        """Name every requirement that the cache lacks: uv stops at the first."""
        missing = list(error.packages)
        for text in question.spec.requirements[:_MISSING_LOOKED_FOR]:
            alone = structs.replace(question.spec, requirements=(text,), wheels=())
            if not self._resolves(structs.replace(question, spec=alone, follow=False)):
                missing.append(requirement_name(text))
        named = tuple(dict.fromkeys(missing))
        change = f"Missing from the cache: {', '.join(named)}. Resolve once with the network, then go offline."
        return MissingOfflineError(error.explanation, change, named)

    def _other_pythons(self, question: _Question, error: NoWheelError, package: str) -> ResolveError:
        """Find out whether the wheels that are missing are there for other versions of Python."""
        wanted = [text for text in question.spec.requirements if requirement_name(text) == package] or [package]
        spec = structs.replace(question.spec, requirements=tuple(wanted), wheels=())
        fits = [
            python
            for python in _PYTHONS
            if self._resolves(structs.replace(question, spec=structs.replace(spec, python=python), follow=False))
        ]
        if not fits or question.spec.python in fits:
            return error
        change = f"{', '.join(wanted)} has wheels for Python {', '.join(fits)}, not for {question.spec.python}: "
        return WrongPythonError(
            error.explanation, f"{change}ask for one of these, or for another version of {package}."
        )

    def _resolves(self, question: _Question) -> bool:
        with tempfile.TemporaryDirectory(prefix="modelyard-lock-") as name:
            try:
                return self.uv.run(self._arguments(question, Path(name)), timeout=self.timeout).status == 0
            except TimeoutError:
                return False


def _utc(moment: datetime | None) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else ""


def _too_slow(timeout: float, question: _Question) -> ResolveTimeoutError:
    wide = [text for text in question.spec.requirements if "==" not in text]
    explanation = f"  No answer within {timeout:g} s, for {len(question.spec.requirements)} requirements."
    return ResolveTimeoutError(explanation, f"Give more time, or narrow the bounds of: {', '.join(wide[:8]) or 'all'}.")


def _with_private_hashes(packages: Sequence[LockedPackage], spec: EnvironmentSpec) -> tuple[LockedPackage, ...]:
    """Let a private wheel's package be installed from that wheel only, whatever an index offers under its name."""
    own: dict[str, list[str]] = {}
    for wheel in spec.wheels:
        own.setdefault(pinned_requirement(wheel.filename)[0], []).append(f"sha256:{wheel.sha256}")
    return tuple(
        structs.replace(package, hashes=tuple(sorted(own[package.name]))) if package.name in own else package
        for package in packages
    )
