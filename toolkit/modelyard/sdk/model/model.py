"""The model that a user holds: one registered version, and the registry that it is in."""

from __future__ import annotations

import datetime as dt
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from msgspec import structs

from modelyard.models.errors import UntrustedPickleError
from modelyard.models.lineage import Lineage
from modelyard.models.model import ModelQuery, ModelVersion
from modelyard.models.packing import Seen
from modelyard.models.placement import served_path
from modelyard.models.signature import Signature
from modelyard.names import VersionRef
from modelyard.sdk.model.conversion import Asked, convert_registered
from modelyard.sdk.model.files import ModelFiles
from modelyard.sdk.model.labels import ModelLabels
from modelyard.sdk.model.lineage import lineage_of
from modelyard.sdk.model.registration import Said, register_path
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings

Labels = str | Mapping[str, Any] | Iterable[Any]
"""Tags or properties to look for: names, pairs of names and values, texts ``NAME=VALUE``, or a mapping."""


class Model(ModelLabels, ModelFiles):
    """One version of a registered model: ``Model(ws, "digits")`` is the highest, or say which.

    Parameters
    ----------
    name
        A name, or a reference such as ``digits:3`` or ``digits@champion``.
    version, alias
        Which version, if not the highest.

    Raises
    ------
    NotFoundError
        If there is no such model, version or alias.
    """

    def __init__(
        self, workspace: Workspace, name: str, version: int | str | None = None, *, alias: str | None = None
    ) -> None:
        self.workspace = workspace
        self.backend = workspace.backend
        self.info: ModelVersion = workspace.backend.models.get(str(_reference(name, version, alias)))

    @classmethod
    def register(  # noqa: PLR0913 - what is said of a model, by keyword, under the names that users know
        cls,
        workspace: Workspace,
        model_path: str | Path,
        model_name: str,
        tags: Mapping[str, Any] | None = None,
        properties: Mapping[str, Any] | None = None,
        description: str = "",
        *,
        datasets: Iterable[Any] = (),
        framework: str | None = None,
        framework_version: str | None = None,
        model_framework: str | None = None,
        model_framework_version: str | None = None,
        signature: Signature | None = None,
        sample: Any = None,
        environment: Any = None,
        run_id: str | None = None,
        seen: Seen | None = None,
    ) -> Self:
        """Register a file or a folder as the next version of a name.

        Parameters
        ----------
        datasets
            Pairs of what for and which data set.
        framework, framework_version
            What made the model, such as ``scikit-learn``; also ``model_framework`` and ``model_framework_version``.
        signature
            What it takes and gives; by default told from `sample`.
        sample
            A `Sample`; or rows of inputs, or a pair of rows and the answer to them, which is recorded. Rows are an
            array, a data frame, or a mapping of the names of tensors to arrays.
        environment
            A lock, an `Environment` or the name of a registered one; by default what the run `run_id` recorded, or
            what is installed here.
        run_id
            The run that made it.
        seen
            Called with the path and the bytes of each file that has been kept: progress.

        Raises
        ------
        InvalidNameError
            If `model_name` breaks the rule for names.
        InvalidValueError
            If there is no file at `model_path`, or a tag or property cannot be kept.
        """
        said = Said(
            tags=tags,
            properties=properties,
            description=description,
            framework=framework or model_framework,
            framework_version=framework_version or model_framework_version,
            datasets=datasets,
            signature=signature,
            sample=sample,
            environment=environment,
            run_id=run_id,
        )
        return cls.of(workspace, register_path(workspace, model_name, model_path, said, seen))

    @classmethod
    def of(cls, workspace: Workspace, info: ModelVersion) -> Self:
        """Hold a version that was read already."""
        model = cls.__new__(cls)
        model.workspace, model.backend, model.info = workspace, workspace.backend, info
        return model

    @classmethod
    def get(cls, workspace: Workspace, reference: str) -> Self:
        """Find ``NAME:VERSION``, ``NAME@ALIAS``, or with ``NAME`` the highest version.

        Raises
        ------
        InvalidReferenceError
            If `reference` has another form.
        NotFoundError
            If there is no such model, version or alias.
        """
        return cls(workspace, reference)

    @classmethod
    def list(  # noqa: PLR0913 - filters, under the names that users know
        cls,
        workspace: Workspace,
        name: str | None = None,
        tags: Labels = (),
        properties: Labels = (),
        run_id: str | None = None,
        *,
        framework: str | None = None,
        latest: bool = False,
        limit: int | None = None,
    ) -> list[Self]:
        """List versions, the newest first.

        Parameters
        ----------
        tags, properties
            What has to hold, such as ``["checked", ["area", "mnist"]]`` or ``{"area": "mnist"}``.
        latest
            Only the highest version of each name.
        limit
            How many at most; by default all.
        """
        query = ModelQuery(
            name=name,
            tags=tuple(_labels(tags)),
            properties=tuple(_labels(properties)),
            run_id=run_id,
            framework=framework,
            latest=latest,
        )
        return [cls.of(workspace, info) for info in _found(workspace, query, limit)]

    @staticmethod
    def get_model_path(model_name: str, version: int | str | None = None, _workspace: Workspace | None = None) -> Path:
        """Return where a model's file or folder lies: in the service that this runs in, else in this user's cache.

        Inside a service (``AZUREML_MODEL_DIR`` is set) no workspace is asked. Elsewhere the model comes from
        `_workspace`, or from the one that `Workspace.from_config` opens; every file's digest is checked.

        Parameters
        ----------
        model_name
            A name, or a reference such as ``digits:3`` or ``digits@champion`` (an alias only outside a service).
        version
            By default the highest.

        Raises
        ------
        NotFoundError
            If there is no such model or version.
        DigestMismatchError
            If what the workspace keeps is damaged.
        """
        wanted = _reference(model_name, version, None)
        if (folder := Settings.read().model_dir) is not None:
            return served_path(folder, wanted)
        if _workspace is not None:
            return Model(_workspace, str(wanted)).local_path()
        with Workspace.from_config() as workspace:
            return Model(workspace, str(wanted)).local_path()

    @property
    def name(self) -> str:
        """The model's name."""
        return self.info.name

    @property
    def version(self) -> int:
        """The number of this version."""
        return self.info.version

    @property
    def id(self) -> str:
        """The short name, such as ``digits:3``."""
        return self.info.id

    @property
    def run_id(self) -> str | None:
        """The run that made it."""
        return self.info.run_id

    @property
    def created_time(self) -> dt.datetime:
        """When it was registered (UTC)."""
        return self.info.created

    def lineage(self) -> Lineage:
        """Follow it back to its run, source, environment and data."""
        return lineage_of(self.backend, self.info)

    def to_onnx(
        self, sample: Any, *, name: str | None = None, trust: bool = False, tolerance: Any = None, accept: bool = False
    ) -> Self:
        """Convert the scikit-learn estimator that this version holds, and register the result as a new version.

        The estimator is a pickle, and reading a pickle runs code: it is read in a process of its own, and only if you
        say that you trust it.

        Parameters
        ----------
        sample
            Rows as the estimator's ``predict`` takes them, a hundred or so that are typical.
        name
            The name to register under, by default this one's.
        trust
            Whether you trust whoever registered this version.
        tolerance
            How far the answers may differ (`Tolerance`).
        accept
            Register the nearest model although it is not within the tolerance.

        Raises
        ------
        UntrustedPickleError
            If `trust` is not set.
        EstimatorNotReadError
            If no estimator can be read.
        ConversionError
            If it cannot be converted, or the result answers otherwise; nothing has been registered then.
        """
        if not trust:
            raise UntrustedPickleError(self.id, self.info.entry)
        asked = Asked(sample=sample, tolerance=tolerance, accept=accept)
        return type(self).of(self.workspace, convert_registered(self, asked, name or self.name))

    def delete(self) -> None:
        """Delete this version; its number is not given again.

        Raises
        ------
        InUseError
            If an alias points to it, or something uses it; the text says what.
        """
        self.backend.models.delete(self.name, self.version)

    def __repr__(self) -> str:
        return f"Model({self.id!r})"


def _found(workspace: Workspace, query: ModelQuery, limit: int | None) -> Iterator[ModelVersion]:
    left = sys.maxsize if limit is None else limit
    while left > 0:
        page = workspace.backend.models.list(structs.replace(query, limit=min(left, 1000)))
        yield from page.items
        left -= len(page.items)
        if page.cursor is None:
            return
        query = structs.replace(query, cursor=page.cursor)


def _reference(name: str, version: int | str | None, alias: str | None) -> VersionRef:
    if version is not None:
        return VersionRef.parse(f"{name}:{version}")
    return VersionRef.parse(name if alias is None else f"{name}@{alias}")


def _labels(given: Labels) -> Iterator[str]:
    pairs = given.items() if isinstance(given, Mapping) else [given] if isinstance(given, str) else given
    for one in pairs:
        yield one if isinstance(one, str) else "=".join(str(part) for part in one)
