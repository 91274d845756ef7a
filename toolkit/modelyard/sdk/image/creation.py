"""From models, code and wishes to a sealed specification, with everything that it names kept in the workspace."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from modelyard.environments import conda, requirements_file
from modelyard.environments.contents import Variable
from modelyard.environments.lock import Lock
from modelyard.environments.progress import Progress
from modelyard.environments.resolver import Resolver
from modelyard.environments.specification import EnvironmentSpec
from modelyard.environments.uv_program import Uv
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.images.environment import serving_lock, serving_spec, with_server
from modelyard.images.errors import InvalidImageError, NotServableError
from modelyard.images.image import ImageVersion, NewImageVersion
from modelyard.images.inference import NONE, CodeSample, ImageConfig, InferenceConfig
from modelyard.images.server import keep_server
from modelyard.images.spec import (
    PLATFORMS,
    ImageCode,
    ImageModel,
    ImageSpec,
    PlatformPart,
    running_image_platform,
)
from modelyard.models.model import ModelVersion
from modelyard.names import check_name
from modelyard.sdk.environment import Environment
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import Tree
from modelyard.store.trees import keep_file
from modelyard.tracking.git import git_facts
from modelyard.tracking.snapshot import take_snapshot


class Asked(Struct, frozen=True, kw_only=True):
    """What an image is to be made of, in whatever way that was said."""

    models: Sequence[str]
    config: ImageConfig
    platforms: Sequence[str]
    sample: CodeSample | None
    dry_run: bool


def create_image(workspace: Workspace, name: str, asked: Asked, say: Progress) -> ImageVersion:
    """Keep what an image is made of, and register it; a dry run registers nothing, and gives the version 0."""
    draft = Draft(workspace, name, asked.models, asked.config, say)
    spec = draft.spec(asked.platforms or (running_image_platform(),), asked.sample)
    new = NewImageVersion(
        spec=workspace.backend.blobs.put(spec.canonical),
        blobs=draft.blobs,
        description=asked.config.description,
        tags=asked.config.tags,
        source=_source(asked.config.inference),
    )
    return _unregistered(name, spec, new) if asked.dry_run else workspace.backend.images.register(name, new)


class Draft:
    """What an image is made of, on its way to a specification.

    Parameters
    ----------
    models
        Each ``NAME``, ``NAME:VERSION`` or ``NAME@ALIAS``.

    Attributes
    ----------
    blobs
        What base images are made of, once they are found: the image keeps it.
    """

    def __init__(
        self, workspace: Workspace, name: str, models: Sequence[str], config: ImageConfig, say: Progress
    ) -> None:
        backend = workspace.backend
        self._name = check_name("an image", name)
        self._workspace = workspace
        self._config = config
        self._say = say
        self._versions = [backend.models.get(model) for model in ([models] if isinstance(models, str) else models)]
        self._environment = self._own_environment()
        self.blobs: tuple[str, ...] = ()

    def spec(self, platforms: Sequence[str], sample: CodeSample | None = None) -> ImageSpec:
        """Keep what the image needs in the workspace, and say what it is.

        Parameters
        ----------
        platforms
            Those that it is to run on, such as ``linux/arm64``.
        sample
            A request that the code is to answer when it is tried and when it starts, and its answer.

        Raises
        ------
        NotServableError
            If there is no code, and a model holds no ONNX file.
        ResolveError
            If there are no packages that fit.
        InvalidImageError
            If something that was asked for breaks its rule.
        """
        backend, asked = self._workspace.backend, self._config.inference
        resources = self._config.resources.resources()  # what is cheap to refuse is refused first
        code = self._code()
        own = {} if self._environment is None else {v.name: v.value for v in self._environment.spec.variables}
        variables = {**own, **asked.variables}
        return ImageSpec(
            name=self._name,
            models=tuple(self._models(code, sample)),
            code=code,
            server=backend.trees.create(keep_server(backend.blobs)).digest,
            parts=tuple(sorted(self._part(name) for name in set(platforms))),
            resources=resources,
            limits=dict(asked.limits),
            variables=tuple(sorted(Variable(name=name, value=value) for name, value in variables.items())),
            system_packages=self._system_packages(),
            docker_steps=self._steps(),
        )

    def _models(self, code: ImageCode | None, sample: CodeSample | None) -> Iterator[ImageModel]:
        backend = self._workspace.backend
        for number, version in enumerate(self._versions):
            kept = version.sample or ""
            if code is not None:
                kept = (
                    backend.blobs.put(msgspec.json.encode(sample, order="sorted"))
                    if sample is not None and number == 0
                    else ""
                )
            yield ImageModel(
                name=version.name,
                version=version.version,
                tree=version.tree,
                engine=_engine(code),
                file="" if code is not None else _onnx_file(version, backend.trees.get(version.tree)),
                signature=version.signature,
                sample=kept,
                run_id=version.run_id or "",
                commit=self._commit(version),
            )

    def _system_packages(self) -> tuple[str, ...]:
        own = () if self._environment is None else self._environment.spec.system_packages
        return tuple(sorted({*own, *self._config.inference.system_packages}))

    def _steps(self) -> tuple[str, ...]:
        return tuple(_steps(self._config.inference.extra_docker_file_steps))

    def _base(self) -> str | None:
        """Say which base was asked for; the slim one has no package manager, so that a builder's work needs another."""
        return self._config.inference.base_image or (NONE if self._system_packages() or self._steps() else None)

    def _commit(self, version: ModelVersion) -> str:
        """Find the commit of the script that made a model."""
        if version.run_id is None:
            return ""
        try:
            git = self._workspace.backend.runs.get(version.run_id).details.get("git") or {}
        except NotFoundError:
            return ""
        return str(git.get("commit") or "")

    def _code(self) -> ImageCode | None:
        asked = self._config.inference
        if asked.entry_script is None and asked.application is None:
            return None
        entry, tree = self._source()
        self._say(f"keeping the code ({len(tree.files)} files)")
        if entry and entry not in tree.files:
            raise InvalidImageError("entry script", entry, f"it is not in the code; there are {_some(tree)}")
        return ImageCode(
            tree=self._workspace.backend.trees.create(tree).digest,
            entry=entry,
            application=asked.application or "",
            interface=asked.interface or "",
            concurrency=asked.concurrency or 0,
        )

    def _source(self) -> tuple[str, Tree]:
        """Keep the source folder, or the script alone; say where the script is in it."""
        asked, blobs = self._config.inference, self._workspace.backend.blobs
        entry = Path(asked.entry_script) if asked.entry_script is not None else None
        if asked.source_directory is not None:
            folder = Path(asked.source_directory)
            if entry is not None and entry.is_absolute():
                entry = entry.relative_to(folder.absolute())
            return entry.as_posix() if entry else "", take_snapshot(folder, blobs)
        if entry is None:
            raise InvalidImageError(
                "application", str(asked.application), "it needs the source_directory that it is in"
            )
        if not entry.is_file():
            raise InvalidImageError("entry script", str(entry), "there is no such file")
        return entry.name, keep_file(entry, blobs)

    def _part(self, platform: str) -> PlatformPart:
        if platform not in PLATFORMS:
            raise InvalidImageError("platform", platform, f"it is one of {', '.join(PLATFORMS)}")
        from modelyard.sdk.image.bases import keep_base  # which loads what speaks to registries

        self._say(f"resolving the environment for {platform}")
        lock = self._lock(PLATFORMS[platform])
        base = keep_base(self._workspace, self._base(), platform, lock.python, self._say)
        self.blobs += base.blobs
        kept = self._workspace.backend.blobs.put(lock.to_json())
        return PlatformPart(platform=platform, lock=kept, base=base.digest)

    def _lock(self, platform: str) -> Lock:
        settings, recorded = self._workspace.settings, self._recorded()
        if self._config.inference.entry_script is None and self._config.inference.application is None:
            spec = serving_spec(recorded)
        elif self._environment is not None:
            spec = with_server(self._environment.spec, self._environment.lock(platform=platform), onnx=False)
        else:
            spec = _as_recorded(recorded, platform, settings.offline)
        return serving_lock(spec, settings, platform=platform, progress=self._say)

    def _recorded(self) -> list[Lock]:
        read = self._workspace.backend.blobs.read
        return [Lock.from_json(read(version.lock)) for version in self._versions if version.lock]

    def _own_environment(self) -> Environment | None:
        given = self._config.inference.environment
        if given is None or isinstance(given, Environment):
            return given
        if not isinstance(given, str | Path):
            raise InvalidValueError(f"environment {given!r}", "give an Environment, its name, or the path of a file")
        file = Path(given)
        if file.suffix in (".yml", ".yaml"):
            return Environment(file.stem.strip("._-") or "environment", conda.from_conda_specification(file))
        if file.suffix == ".txt":
            return Environment(file.stem.strip("._-") or "environment", requirements_file.from_pip_requirements(file))
        return Environment.get(self._workspace, str(given))


def _engine(code: ImageCode | None) -> Literal["onnx", "script", "application"]:
    if code is None:
        return "onnx"
    return "application" if code.application else "script"


def _onnx_file(version: ModelVersion, tree: Tree) -> str:
    found = [path for path in tree.files if path.endswith(".onnx")]
    if len(found) != 1:
        what = "it holds no ONNX file" if not found else "it holds several ONNX files"
        raise NotServableError(version.id, f"{what} ({_some(tree)})")
    return found[0]


def _as_recorded(recorded: Sequence[Lock], platform: str, offline: bool) -> EnvironmentSpec:
    """Say what code needs of which nobody said what it needs: what was there when its models were made."""
    if not recorded:
        rule = "name one: an Environment, or a conda or requirements file; none was recorded with the models"
        raise InvalidImageError("environment", "", rule)
    pins = {p.name: f"{p.name}=={p.version}" for lock in recorded for p in lock.packages if not p.local}
    own = EnvironmentSpec.create(sorted(pins.values()), python=recorded[0].python)
    return with_server(own, Resolver(uv=Uv(offline=offline)).lock(own, platform=platform), onnx=False)


def _steps(given: str | Path | Sequence[str]) -> list[str]:
    """Read lines of a Dockerfile: a list of them, or a file that holds them."""
    lines = Path(given).read_text().splitlines() if isinstance(given, str | Path) else [str(line) for line in given]
    return [line for line in lines if line.strip()]


def _some(tree: Tree) -> str:
    return ", ".join(list(tree.files)[:5]) or "no files"


def _unregistered(name: str, spec: ImageSpec, new: NewImageVersion) -> ImageVersion:
    return ImageVersion(
        name=name,
        version=0,
        digest=new.spec,
        spec=spec,
        description=new.description,
        tags=new.tags,
        source=new.source,
        created=dt.datetime.now(dt.UTC),
    )


def _source(inference: InferenceConfig) -> dict[str, str]:
    """Say what git says of the code; nothing where there is none."""
    given = inference.source_directory or (inference.entry_script and Path(inference.entry_script).parent)
    if not given:
        return {}
    facts = git_facts(Path(given))
    said = {} if facts is None else msgspec.structs.asdict(facts)
    return {name: str(value) for name, value in said.items() if value not in (None, "")}
