"""The environment that a user holds: a specification, perhaps registered, that becomes a lock and then a folder."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Self

from msgspec import structs

from modelyard.environments import conda, interpreters, requirements_file
from modelyard.environments.cache import EnvironmentCache
from modelyard.environments.errors import PrivateWheelError
from modelyard.environments.lock import Lock
from modelyard.environments.platforms import check_platform, running_platform
from modelyard.environments.progress import Progress, silent
from modelyard.environments.registered import EnvironmentQuery, EnvironmentVersion, NewEnvironment, NewEnvironmentLock
from modelyard.environments.resolver import Resolver
from modelyard.environments.specification import EnvironmentSpec
from modelyard.environments.uv_program import Uv
from modelyard.environments.wheelhouse import Wheelhouse
from modelyard.errors import NotFoundError
from modelyard.names import VersionRef, check_name
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings


class Environment:
    """What a script or a service needs: made from requirements, a conda file or what is installed here.

    Parameters
    ----------
    name
        1 to 128 characters of ``A-Z a-z 0-9 . _ -``, the first a letter or a digit.
    spec
        What it is to hold; by default nothing but Python.
    """

    def __init__(self, name: str, spec: EnvironmentSpec | None = None) -> None:
        check_name("an environment", name)
        self.spec = structs.replace(spec or EnvironmentSpec.create(), name=name)
        self.workspace: Workspace | None = None
        self.version: int | None = None

    @classmethod
    def from_pip_requirements(cls, name: str, file_path: str | Path) -> Self:
        """Read a requirements file.

        Raises
        ------
        InvalidRequirementError
            If a line cannot be taken; the text names the file and the line.
        """
        return cls(name, requirements_file.from_pip_requirements(file_path))

    @classmethod
    def from_conda_specification(cls, name: str, file_path: str | Path) -> Self:
        """Read a conda environment file; `notes` say what was translated.

        Raises
        ------
        CondaTranslationError
            If pip cannot provide a package; the text names each.
        """
        return cls(name, conda.from_conda_specification(file_path))

    @classmethod
    def from_existing(cls, name: str, interpreter: str | Path | None = None) -> Self:
        """Ask for the exact packages of an interpreter, by default of the running one; `notes` say what was left out.

        Raises
        ------
        InterpreterFailedError
            If the interpreter cannot be run, or is too old to list its packages.
        """
        return cls(name, interpreters.from_existing(interpreter))

    from_existing_conda_environment = from_existing

    @classmethod
    def get(cls, workspace: Workspace, name: str, version: int | str | None = None) -> Self:
        """Find a registered environment: ``NAME`` is its newest version, ``NAME:VERSION`` or `version` another.

        Raises
        ------
        NotFoundError
            If there is no such environment or version.
        """
        wanted = VersionRef.parse(name if version is None else f"{name}:{version}")
        if wanted.alias is not None:
            raise NotFoundError("environment", name)
        environments = workspace.backend.environments
        if wanted.version is None:
            return cls._of(workspace, environments.latest(wanted.name))
        return cls._of(workspace, environments.get(wanted.name, wanted.version))

    @staticmethod
    def list(workspace: Workspace) -> dict[str, Environment]:
        """List the registered environments by name, each in its newest version."""
        found: dict[str, Environment] = {}
        cursor: str | None = None
        while True:
            page = workspace.backend.environments.list(EnvironmentQuery(cursor=cursor, limit=1000))
            found |= {one.name: Environment._of(workspace, one) for one in page.items}
            cursor = page.cursor
            if cursor is None:
                return found

    @property
    def name(self) -> str:
        """Its name."""
        return self.spec.name

    @property
    def id(self) -> str:
        """The short name, such as ``training:3``; before it is registered, its name."""
        return self.name if self.version is None else f"{self.name}:{self.version}"

    @property
    def notes(self) -> tuple[str, ...]:
        """What was changed or left out when it was read."""
        return self.spec.notes

    def with_wheels(self, *paths: str | Path) -> Self:
        """Return one that also holds wheels that no index has.

        Raises
        ------
        PrivateWheelError
            If a file is no wheel.
        """
        house = Wheelhouse(_wheels(self._settings()))
        wheels = {*self.spec.wheels, *(house.add(path) for path in paths)}
        return type(self)(self.name, structs.replace(self.spec, wheels=tuple(sorted(wheels))))

    def register(self, workspace: Workspace) -> Self:
        """Register it as the next version of its name; what the newest version says already is not registered again."""
        house = Wheelhouse(_wheels(workspace.settings))
        for wheel in self.spec.wheels:
            workspace.backend.blobs.put(house.get(wheel))
        return self._of(workspace, workspace.backend.environments.register(self.name, NewEnvironment(spec=self.spec)))

    def lock(
        self, *, platform: str | None = None, offline: bool | None = None, renew: bool = False, keep: bool = True
    ) -> Lock:
        """Say the exact packages: as they were locked before if it is registered, else as they resolve now.

        The first lock of a registered version is kept, so that everybody gets the same.

        Parameters
        ----------
        platform
            By default this machine's.
        offline
            Use only what is cached; by default as ``MODELYARD_OFFLINE`` says.
        renew
            Resolve anew, and keep that.
        keep
            Keep the lock with the registered version.

        Raises
        ------
        ResolveError
            If there are no packages that fit: with the chain of reasons, and what to change.
        """
        name = check_platform(platform or running_platform())
        if not renew and (kept := self._kept(name)) is not None:
            return kept
        self._fetch_wheels()
        resolver = Resolver(uv=self._uv(offline), wheelhouse=_wheels(self._settings()))
        lock = resolver.lock(self.spec, platform=name)
        if self.workspace is None or self.version is None or not keep:
            return lock
        backend = self.workspace.backend
        new = NewEnvironmentLock(sha256=backend.blobs.put(lock.to_json()), replace=renew)
        done = backend.environments.keep_lock(self.name, self.version, name, new)
        return Lock.from_json(backend.blobs.read(done.sha256))

    def realise(self, *, offline: bool | None = None, progress: Progress = silent) -> Path:
        """Return the folder of a virtual environment that holds exactly the lock, made if need be.

        Raises
        ------
        ResolveError
            If there are no packages that fit.
        InstallError
            If a package cannot be had; nothing is left behind.
        """
        progress(f"locking {self.id}")
        lock = self.lock(offline=offline)
        self._fetch_wheels()
        return environment_cache(self._settings(), self._uv(offline)).realise(lock, progress=progress)

    def __repr__(self) -> str:
        return f"Environment({self.id!r})"

    @classmethod
    def _of(cls, workspace: Workspace, info: EnvironmentVersion) -> Self:
        environment = cls(info.name, info.spec)
        environment.workspace, environment.version = workspace, info.version
        return environment

    def _kept(self, platform: str) -> Lock | None:
        if self.workspace is None or self.version is None:
            return None
        backend = self.workspace.backend
        try:
            kept = backend.environments.get_lock(self.name, self.version, platform)
        except NotFoundError:
            return None
        return Lock.from_json(backend.blobs.read(kept.sha256))

    def _fetch_wheels(self) -> None:
        """Bring the private wheels of a registered environment to this machine."""
        if self.workspace is None:
            return
        house = Wheelhouse(_wheels(self.workspace.settings))
        for wheel in self.spec.wheels:
            try:
                house.get(wheel)
            except PrivateWheelError:
                with tempfile.TemporaryDirectory(prefix="modelyard-wheel-") as folder:
                    file = Path(folder, wheel.filename)
                    self.workspace.backend.blobs.get(wheel.sha256, file)
                    house.add(file)

    def _settings(self) -> Settings:
        return self.workspace.settings if self.workspace is not None else Settings.read()

    def _uv(self, offline: bool | None) -> Uv:
        return Uv(offline=self._settings().offline if offline is None else offline)


def environment_cache(settings: Settings, uv: Uv | None = None) -> EnvironmentCache:
    """Open this user's cache of virtual environments."""
    return EnvironmentCache(settings.cache.absolute() / "environments", uv=uv, wheelhouse=_wheels(settings))


def _wheels(settings: Settings) -> Path:
    """Say where private wheels lie on this machine, as scripts that are submitted look for them."""
    return settings.cache.absolute() / "environments" / ".wheels"
