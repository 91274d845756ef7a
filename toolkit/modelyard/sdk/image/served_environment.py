"""The environment that an image is served in: what was asked for, or what was recorded with its models."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from modelyard.environments import conda, requirements_file
from modelyard.environments.lock import Lock
from modelyard.environments.progress import Progress
from modelyard.environments.specification import EnvironmentSpec
from modelyard.errors import InvalidValueError
from modelyard.images.environment import serving_lock, serving_spec, with_server
from modelyard.images.errors import InvalidImageError
from modelyard.images.inference import InferenceConfig
from modelyard.models.model import ModelVersion
from modelyard.sdk.environment import Environment
from modelyard.sdk.workspace import Workspace


class ServedEnvironment:
    """What the code of an image runs in, or the ONNX models without code.

    A change of code changes no packages: what nothing pins stays as it was resolved on this machine before.

    Parameters
    ----------
    upgrade
        Resolve all the same, but what a registered environment has locked.

    Raises
    ------
    NotFoundError
        If no environment of the name that was given is registered.
    InvalidRequirementError, CondaTranslationError
        If the file that was given cannot be taken.
    """

    def __init__(
        self, workspace: Workspace, asked: InferenceConfig, versions: Sequence[ModelVersion], *, upgrade: bool = False
    ) -> None:
        self._workspace = workspace
        self._upgrade = upgrade
        self._has_code = asked.entry_script is not None or asked.application is not None
        self._versions = versions
        self._given = self._find(asked.environment)

    @property
    def own(self) -> EnvironmentSpec:
        """What the user declared."""
        return EnvironmentSpec.create() if self._given is None else self._given.spec

    def lock(self, platform: str, say: Progress) -> Lock:
        """Lock it for a platform, as locks name them, together with the scoring server.

        Raises
        ------
        ResolveError
            If there are no packages that fit.
        InvalidImageError
            If nothing says what the code needs.
        """
        recorded = self._recorded()
        if not self._has_code:
            spec = serving_spec(recorded)
        elif self._given is not None:
            spec = with_server(self._given.spec, self._locked(self._given, platform, say), onnx=False)
        else:
            own = _as_recorded(recorded)
            spec = with_server(own, self._resolved(own, platform, say), onnx=False)
        return self._resolved(spec, platform, say)

    def _locked(self, given: Environment, platform: str, say: Progress) -> Lock:
        """Give the lock of what the user declared."""
        return given.lock(platform=platform) if given.version is not None else self._resolved(given.spec, platform, say)

    def _resolved(self, spec: EnvironmentSpec, platform: str, say: Progress) -> Lock:
        return serving_lock(spec, self._workspace.settings, platform=platform, upgrade=self._upgrade, progress=say)

    def _recorded(self) -> list[Lock]:
        read = self._workspace.backend.blobs.read
        return [Lock.from_json(read(version.lock)) for version in self._versions if version.lock]

    def _find(self, given: object) -> Environment | None:
        if given is None or isinstance(given, Environment):
            return given
        if not isinstance(given, str | Path):
            raise InvalidValueError(f"environment {given!r}", "give an Environment, its name, or the path of a file")
        file = Path(given)
        name = file.stem.strip("._-") or "environment"
        if file.suffix in (".yml", ".yaml"):
            return Environment(name, conda.from_conda_specification(file))
        if file.suffix == ".txt":
            return Environment(name, requirements_file.from_pip_requirements(file))
        return Environment.get(self._workspace, str(given))


def _as_recorded(recorded: Sequence[Lock]) -> EnvironmentSpec:
    """Say what code needs of which nobody said what it needs: what was there when its models were made."""
    if not recorded:
        rule = "name one: an Environment, or a conda or requirements file; none was recorded with the models"
        raise InvalidImageError("environment", "", rule)
    pins = {p.name: f"{p.name}=={p.version}" for lock in recorded for p in lock.packages if not p.local}
    return EnvironmentSpec.create(sorted(pins.values()), python=recorded[0].python)
