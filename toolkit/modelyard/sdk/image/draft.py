"""From models, code and wishes to a sealed specification, with everything that it names kept in the workspace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from modelyard.environments.contents import Variable
from modelyard.environments.progress import Progress
from modelyard.errors import NotFoundError
from modelyard.images.errors import InvalidImageError, NotServableError
from modelyard.images.inference import NONE, CodeSample, ImageConfig
from modelyard.images.server import keep_server
from modelyard.images.spec import (
    PLATFORMS,
    ImageCode,
    ImageModel,
    ImageSpec,
    PlatformPart,
)
from modelyard.models.model import ModelVersion
from modelyard.names import check_name
from modelyard.sdk.image.served_environment import ServedEnvironment
from modelyard.sdk.workspace import Workspace
from modelyard.store.tree import Tree
from modelyard.store.trees import keep_file
from modelyard.tracking.snapshot import take_snapshot


class Draft:
    """What an image is made of, on its way to a specification.

    Parameters
    ----------
    models
        Each ``NAME``, ``NAME:VERSION`` or ``NAME@ALIAS``.
    upgrade
        Resolve packages anew that were resolved on this machine before.

    Attributes
    ----------
    blobs
        What base images are made of, once they are found: the image keeps it.
    """

    def __init__(
        self,
        workspace: Workspace,
        name: str,
        models: Sequence[str],
        config: ImageConfig,
        say: Progress,
        *,
        upgrade: bool = False,
    ) -> None:
        backend = workspace.backend
        self._name = check_name("an image", name)
        self._workspace = workspace
        self._config = config
        self._say = say
        self._versions = [backend.models.get(model) for model in ([models] if isinstance(models, str) else models)]
        self._environment = ServedEnvironment(workspace, config.inference, self._versions, upgrade=upgrade)
        self._steps = _steps(config.inference.extra_docker_file_steps)
        self.blobs: tuple[str, ...] = ()

    @property
    def requirements(self) -> tuple[str, ...]:
        """What was declared that the code needs."""
        return self._environment.own.requirements

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
        code = self._code(sample)
        own = self._environment.own
        variables = {**{variable.name: variable.value for variable in own.variables}, **asked.variables}
        return ImageSpec(
            name=self._name,
            models=tuple(self._models(code)),
            code=code,
            server=backend.trees.create(keep_server(backend.blobs)).digest,
            parts=tuple(sorted(self._part(name) for name in set(platforms))),
            resources=resources,
            limits=dict(asked.limits),
            variables=tuple(sorted(Variable(name=name, value=value) for name, value in variables.items())),
            system_packages=self._system_packages(),
            docker_steps=self._steps,
        )

    def _models(self, code: ImageCode | None) -> Iterator[ImageModel]:
        backend = self._workspace.backend
        for version in self._versions:
            yield ImageModel(
                name=version.name,
                version=version.version,
                tree=version.tree,
                engine=_engine(code),
                file="" if code is not None else _onnx_file(version, backend.trees.get(version.tree)),
                signature=version.signature,
                sample="" if code is not None else version.sample or "",
                run_id=version.run_id or "",
                commit=self._commit(version),
            )

    def _system_packages(self) -> tuple[str, ...]:
        return tuple(sorted({*self._environment.own.system_packages, *self._config.inference.system_packages}))

    def _base(self) -> str | None:
        """Say which base was asked for; the slim one has no package manager, so that a builder's work needs another."""
        return self._config.inference.base_image or (NONE if self._system_packages() or self._steps else None)

    def _commit(self, version: ModelVersion) -> str:
        """Find the commit of the script that made a model."""
        if version.run_id is None:
            return ""
        try:
            git = self._workspace.backend.runs.get(version.run_id).details.get("git") or {}
        except NotFoundError:
            return ""
        return str(git.get("commit") or "")

    def _code(self, sample: CodeSample | None) -> ImageCode | None:
        asked, backend = self._config.inference, self._workspace.backend
        if asked.entry_script is None and asked.application is None:
            return None
        entry, tree = self._source()
        self._say(f"keeping the code ({len(tree.files)} files)")
        if entry and entry not in tree.files:
            raise InvalidImageError("entry script", entry, f"it is not in the code; there are {_some(tree)}")
        return ImageCode(
            tree=backend.trees.create(tree).digest,
            entry=entry,
            application=asked.application or "",
            interface=asked.interface or "",
            concurrency=asked.concurrency or 0,
            sample=backend.blobs.put(msgspec.json.encode(sample, order="sorted")) if sample is not None else "",
        )

    def _source(self) -> tuple[str, Tree]:
        """Keep the source folder, or the script alone; say where the script is in it."""
        asked, blobs = self._config.inference, self._workspace.backend.blobs
        entry = Path(asked.entry_script) if asked.entry_script is not None else None
        if asked.source_directory is not None:
            folder = Path(asked.source_directory)
            if entry is not None and entry.is_absolute():
                if not entry.is_relative_to(folder.absolute()):
                    raise InvalidImageError("entry script", str(entry), f"it is not in the source directory {folder}")
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
        lock = self._environment.lock(PLATFORMS[platform], self._say)
        base = keep_base(self._workspace, self._base(), platform, lock.python, self._say)
        self.blobs += base.blobs
        kept = self._workspace.backend.blobs.put(lock.to_json())
        return PlatformPart(platform=platform, lock=kept, base=base.digest)


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


def _steps(given: str | Path | Sequence[str]) -> tuple[str, ...]:
    """Read lines of a Dockerfile: a list of them, or a file that holds them."""
    if not isinstance(given, str | Path):
        return tuple(str(line) for line in given if str(line).strip())
    try:
        return tuple(line for line in Path(given).read_text().splitlines() if line.strip())
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidImageError("file of Docker steps", str(given), f"it cannot be read ({error})") from None


def _some(tree: Tree) -> str:
    return ", ".join(list(tree.files)[:5]) or "no files"
