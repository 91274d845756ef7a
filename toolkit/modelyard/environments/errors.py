"""What can go wrong between a specification and an environment that runs.

::

    ModelyardError
    ├── InvalidSpecificationError   a field of a specification breaks its rule
    ├── InvalidRequirementError     a line of a requirements file cannot be taken
    ├── CondaTranslationError       a conda file asks for what pip cannot provide
    ├── PrivateWheelError           a private wheel is missing, damaged or misnamed
    ├── InterpreterNotFoundError    no interpreter of that version on this machine
    ├── InterpreterFailedError      an interpreter did not say what is installed in it
    ├── UvMissingError              the uv package is not installed
    ├── LocalPackageError           a recorded environment holds packages that no index has
    ├── UnresolvedLockError         a recorded lock was used where hashes are needed
    ├── ForeignPlatformError        a lock for another kind of machine was to be installed
    ├── InstallError                the packages of a lock could not be installed
    ├── EnvironmentBusyError        another process builds the same environment for too long
    ├── CacheUnusableError          the folder for environments cannot be written
    └── ResolveError                no set of packages satisfies the requirements
        ├── UnknownPackageError     the index has no such package, or no such version
        ├── WrongPythonError        the package exists, but not for this Python
        ├── NoWheelError            the package exists, but has no wheel for this platform
        ├── IndexUnreachableError   the package index does not answer, or refuses
        ├── MissingOfflineError     offline, and the cache does not hold what is needed
        └── ResolveTimeoutError     the time budget was used up
"""

from __future__ import annotations

from collections.abc import Sequence

from modelyard.errors import ModelyardError


class InvalidSpecificationError(ModelyardError):
    """A field of an environment's specification breaks its rule."""

    code = "invalid-specification"

    def __init__(self, field: str, value: str, rule: str) -> None:
        super().__init__(f"The environment's {field} cannot be {value!r}: {rule}")
        self.field = field
        self.value = value
        self.rule = rule


class InvalidRequirementError(ModelyardError):
    """A line of a requirements file, or one requirement, cannot be taken."""

    code = "invalid-requirement"

    def __init__(self, source: str, line: int, text: str, reason: str) -> None:
        where = f"{source}, line {line}" if line else source
        super().__init__(f"{where}: {text[:200]!r}: {reason}")
        self.source = source
        self.line = line
        self.text = text
        self.reason = reason


class CondaTranslationError(ModelyardError):
    """A conda file asks for what pip cannot provide; `problems` holds one text for each package."""

    code = "conda-translation"

    def __init__(self, source: str, problems: Sequence[str]) -> None:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(f"{source} cannot be translated to pip packages:{listed}")
        self.source = source
        self.problems = tuple(problems)


class PrivateWheelError(ModelyardError):
    """A private wheel is missing, damaged, or not named as wheels are."""

    code = "private-wheel"

    def __init__(self, filename: str, reason: str) -> None:
        super().__init__(f"The private wheel {filename!r} cannot be used: {reason}")
        self.filename = filename
        self.reason = reason


class InterpreterNotFoundError(ModelyardError):
    """No interpreter of the wanted version is on this machine."""

    code = "interpreter-not-found"

    def __init__(self, python: str, found: Sequence[str]) -> None:
        there = f" Found: {', '.join(found)}." if found else ""
        super().__init__(
            f"This machine has no working Python {python}.{there} Install it, for instance with: uv python install "
            f"{python}. Or ask for a version that is here."
        )
        self.python = python
        self.found = tuple(found)


class InterpreterFailedError(ModelyardError):
    """An interpreter could not be asked what is installed in it."""

    code = "interpreter-failed"

    def __init__(self, interpreter: str, reason: str) -> None:
        super().__init__(
            f"{interpreter} did not list its packages: {reason}. Give the path of a working Python 3.8 or later."
        )
        self.interpreter = interpreter
        self.reason = reason


class UvMissingError(ModelyardError):
    """The uv package, which resolves and installs, is not beside Modelyard."""

    code = "uv-missing"

    def __init__(self, reason: str) -> None:
        super().__init__(f"The uv executable is missing: {reason}. Install it with: pip install uv")
        self.reason = reason


class LocalPackageError(ModelyardError):
    """A recorded environment holds packages that were installed from this machine, which no index has."""

    code = "local-package"

    def __init__(self, packages: Sequence[str]) -> None:
        super().__init__(
            f"Installed from local files or addresses, so that no package index has them: {', '.join(packages)}. "
            "Build a wheel of each and add it as a private wheel, leave them out, or record only what the "
            "model needs."
        )
        self.packages = tuple(packages)


class UnresolvedLockError(ModelyardError):
    """A lock that only records what was installed was used where hashes are needed."""

    code = "unresolved-lock"

    def __init__(self, digest: str) -> None:
        super().__init__(
            f"The lock {digest[:12]} records what was installed, without hashes, and cannot be installed from. "
            "Resolve it first: modelyard.environments.resolver.resolve_recorded(lock)."
        )
        self.digest = digest


class ForeignPlatformError(ModelyardError):
    """A lock was made for another kind of machine than this one."""

    code = "foreign-platform"

    def __init__(self, platform: str, here: str) -> None:
        super().__init__(f"The lock is for {platform} and this machine is {here}. Lock the specification for {here}.")
        self.platform = platform
        self.here = here


class InstallError(ModelyardError):
    """The packages of a lock could not be installed; nothing half-made was left."""

    code = "install"

    def __init__(self, digest: str, explanation: str, change: str) -> None:
        super().__init__(f"The environment {digest[:12]} could not be installed:\n{explanation}\n{change}")
        self.digest = digest
        self.explanation = explanation
        self.change = change


class EnvironmentBusyError(ModelyardError):
    """Another process has been building the same environment for longer than we may wait."""

    code = "environment-busy"

    def __init__(self, digest: str, timeout: float) -> None:
        super().__init__(
            f"Another process has been building the environment {digest[:12]} for more than {timeout:g} s. "
            "Wait for it, or end it and try again."
        )
        self.digest = digest
        self.timeout = timeout


class CacheUnusableError(ModelyardError):
    """The folder where environments are kept cannot be written."""

    code = "cache-unusable"

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(f"Environments cannot be kept in {path}: {reason}. Name another folder in MODELYARD_CACHE.")
        self.path = path
        self.reason = reason


class ResolveError(ModelyardError):
    """No set of packages satisfies the requirements; `explanation` is the resolver's own chain of reasons."""

    code = "resolve"

    def __init__(self, explanation: str, change: str) -> None:
        super().__init__(f"The requirements cannot be resolved:\n{explanation}\n{change}")
        self.explanation = explanation
        self.change = change


class UnknownPackageError(ResolveError):
    """The index has no package of that name, or no such version of it."""

    code = "unknown-package"


class WrongPythonError(ResolveError):
    """The package exists, but not for the Python version asked for."""

    code = "wrong-python"


class NoWheelError(ResolveError):
    """The package exists, but has no wheel that fits the platform."""

    code = "no-wheel"


class IndexUnreachableError(ResolveError):
    """The package index does not answer, or refuses to."""

    code = "index-unreachable"


class MissingOfflineError(ResolveError):
    """Offline, and the cache does not hold what is needed; `packages` names it."""

    code = "missing-offline"

    def __init__(self, explanation: str, change: str, packages: Sequence[str]) -> None:
        super().__init__(explanation, change)
        self.packages = tuple(packages)


class ResolveTimeoutError(ResolveError):
    """The time budget for resolving was used up."""

    code = "resolve-timeout"
