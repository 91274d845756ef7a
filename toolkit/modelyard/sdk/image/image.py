"""The image that a user holds: a sealed specification, and what can be done with it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Self

from modelyard.environments.progress import Progress, silent
from modelyard.images.config_file import read_config
from modelyard.images.diff import Difference, differences
from modelyard.images.errors import InvalidImageError
from modelyard.images.image import ImageChange, ImageQuery, ImageVersion
from modelyard.images.inference import CodeSample, ImageConfig, InferenceConfig, ResourceConfig
from modelyard.images.oci.progress import Progress as Sent
from modelyard.images.oci.progress import unseen
from modelyard.images.spec import ImageSpec
from modelyard.images.trials.report import TrialReport
from modelyard.paging import every
from modelyard.sdk.image.creation import Asked, create_image
from modelyard.sdk.image.exports import ImageExports
from modelyard.sdk.image.running import RunningImage, run_image
from modelyard.sdk.workspace import Workspace


def _untold(_: TrialReport) -> None:
    """Tell nobody."""


class Image(ImageExports):
    """One version of an image: ``Image(ws, "digits")`` is the highest, ``Image(ws, "digits:3")`` another.

    Raises
    ------
    NotFoundError
        If there is no such image or version.
    """

    def __init__(self, workspace: Workspace, name: str, version: int | str | None = None) -> None:
        self.workspace = workspace
        wanted = name if version is None else f"{name}:{version}"
        self.info: ImageVersion = workspace.backend.images.get(wanted)

    @classmethod
    def create(  # noqa: PLR0913 - what an image is made of, all by keyword
        cls,
        workspace: Workspace,
        name: str,
        models: Sequence[str] = (),
        *,
        inference: InferenceConfig | None = None,
        resources: ResourceConfig | None = None,
        platforms: Sequence[str] = (),
        sample: Any = None,
        tags: Mapping[str, str] | None = None,
        description: str = "",
        dry_run: bool = False,
        trial: bool = True,
        upgrade: bool = False,
        told: Callable[[TrialReport], None] = _untold,
        say: Progress = silent,
    ) -> Self:
        """Seal models, code, environment and resources into the next version of an image.

        What is asked for once more gives the version that is there.

        Parameters
        ----------
        models
            Each ``NAME``, ``NAME:VERSION`` or ``NAME@ALIAS``; without `inference` they are ONNX, served as they are.
        platforms
            ``linux/amd64``, ``linux/arm64``; by default this machine's.
        sample
            A request that the code has to answer before it serves, and its answer, as a pair.
        dry_run
            Register nothing: what is returned is what would be, with the version 0.
        trial
            Try code here first, in the image's own environment and memory; what fails is not registered.
        upgrade
            Take the newest packages that fit; by default those that nothing pins stay as they were resolved on this
            machine before, so that a change of code changes no packages. A registered environment keeps its lock.
        told
            Takes the report of the trial: what the code touched, and what to look at.
        say
            Takes lines that say what is being done.

        Raises
        ------
        NotFoundError
            If there is no such model.
        NotServableError
            If there is no code, and a model holds no ONNX file.
        ResolveError
            If there are no packages that fit.
        InvalidImageError
            If something that was asked for breaks its rule.
        TrialFailedError
            If the code fails: with the phase, the traceback, how it ended, and a hint.
        """
        config = ImageConfig(
            inference=inference or InferenceConfig(),
            resources=resources or ResourceConfig(),
            tags=dict(tags or {}),
            description=description,
        )
        asked = Asked(
            models=models,
            config=config,
            platforms=platforms,
            sample=_sample(sample),
            dry_run=dry_run,
            trial=trial,
            upgrade=upgrade,
            told=told,
        )
        return cls.of(workspace, create_image(workspace, name, asked, say))

    @classmethod
    def from_config(  # noqa: PLR0913 - the file, and what adds to it, by keyword
        cls,
        workspace: Workspace,
        name: str,
        path: str | Path,
        models: Sequence[str] = (),
        *,
        platforms: Sequence[str] = (),
        sample: Any = None,
        dry_run: bool = False,
        trial: bool = True,
        upgrade: bool = False,
        told: Callable[[TrialReport], None] = _untold,
        say: Progress = silent,
    ) -> Self:
        """Create an image as a YAML or JSON file says; `models` add to those that it names.

        Raises
        ------
        ImageConfigError
            If the file cannot be taken.
        """
        config, aside = read_config(path)
        for ignored in aside:
            say(f"{path}: {ignored} says nothing of an image, and is left aside")
        asked = Asked(
            models=(*config.models, *models),
            config=config,
            platforms=platforms,
            sample=_sample(sample),
            dry_run=dry_run,
            trial=trial,
            upgrade=upgrade,
            told=told,
        )
        return cls.of(workspace, create_image(workspace, name, asked, say))

    @classmethod
    def load(cls, workspace: Workspace, path: str | Path, *, say: Progress = silent) -> Self:
        """Register the image that `export` wrote, from any workspace; its models need not be in this one's registry.

        Raises
        ------
        InvalidArchiveError
            If the file holds no OCI image.
        InvalidValueError
            If the image was not exported by Modelyard, or lacks files that it names.
        """
        from modelyard.sdk.image.arrival import load_image  # which loads what speaks to registries

        return cls.of(workspace, load_image(workspace, Path(path), say))

    @classmethod
    def pull(cls, workspace: Workspace, reference: str, *, say: Progress = silent, got: Sent = unseen) -> Self:
        """Register the image that `push` sent to a registry, from any workspace.

        Raises
        ------
        RegistryError
            If the registry does not give it; each reason has its own error.
        InvalidValueError
            If the image was not pushed by Modelyard, or lacks files that it names.
        """
        from modelyard.sdk.image.arrival import pull_image  # which loads what speaks to registries

        return cls.of(workspace, pull_image(workspace, reference, say, got))

    @classmethod
    def of(cls, workspace: Workspace, info: ImageVersion) -> Self:
        """Hold a version that was read already."""
        image = cls.__new__(cls)
        image.workspace, image.info = workspace, info
        return image

    @classmethod
    def list(
        cls, workspace: Workspace, name: str | None = None, *, model: str | None = None, tags: Iterable[str] = ()
    ) -> list[Self]:
        """List versions of images, the newest first.

        Parameters
        ----------
        model
            Only those that hold it: ``NAME`` or ``NAME:VERSION``.
        tags
            Each ``NAME`` or ``NAME=VALUE``.
        """
        query = ImageQuery(name=name, model=model, tags=tuple(tags), limit=1000)
        return [cls.of(workspace, info) for info in every(workspace.backend.images.list, query)]

    @property
    def name(self) -> str:
        """Its name."""
        return self.info.name

    @property
    def version(self) -> int:
        """Its number, from 1."""
        return self.info.version

    @property
    def id(self) -> str:
        """The short name, such as ``digits:3``."""
        return self.info.id

    @property
    def digest(self) -> str:
        """The identity: the sha256 of the specification."""
        return self.info.digest

    @property
    def spec(self) -> ImageSpec:
        """The sealed specification."""
        return self.info.spec

    @property
    def models(self) -> tuple[str, ...]:
        """What it holds, each ``NAME:VERSION``."""
        return tuple(str(model) for model in self.spec.models)

    @property
    def tags(self) -> dict[str, str]:
        """What people say of it."""
        return self.info.tags

    @property
    def created(self) -> dt.datetime:
        """When it was registered."""
        return self.info.created

    def run(
        self, target: str = "process", *, port: int = 0, timeout: float = 120.0, say: Progress = silent
    ) -> AbstractContextManager[RunningImage]:
        """Run the image without a service, for trying it out: ``with image.run() as running``.

        Nothing of it is recorded, and nothing is left when the block ends.

        Parameters
        ----------
        target
            ``process`` or ``container``.
        port
            On loopback; 0 picks a free one.
        timeout
            Seconds until it must be ready.

        Raises
        ------
        DeploymentFailedError
            If it does not become ready: with the phase, the traceback and a hint.
        """
        return run_image(self, target, port=port, timeout=timeout, say=say)

    def diff(self, other: Image) -> tuple[Difference, ...]:
        """Say what has to change in this image to make it the other, leaf by leaf; files and packages too."""
        backend = self.workspace.backend
        return differences(self.spec, other.spec, backend.trees, backend.blobs)

    def update(
        self, *, tags: Mapping[str, str] | None = None, without_tags: Iterable[str] = (), description: str | None = None
    ) -> None:
        """Change what is said of it."""
        change = ImageChange(tags=dict(tags or {}), without_tags=tuple(without_tags), description=description)
        self.info = self.workspace.backend.images.update(self.name, self.version, change)

    def delete(self) -> None:
        """Delete the version.

        Raises
        ------
        InUseError
            If a service uses it; the text says which.
        """
        self.workspace.backend.images.delete(self.name, self.version)

    def __repr__(self) -> str:
        return f"Image({self.id!r}, {self.digest[:12]})"


def _sample(given: Any) -> CodeSample | None:
    if given is None or isinstance(given, CodeSample):
        return given
    if isinstance(given, tuple | list) and len(given) == 2:
        return CodeSample(request=given[0], answer=given[1])
    raise InvalidImageError("sample", str(given), "give a request and its answer, as a pair")
