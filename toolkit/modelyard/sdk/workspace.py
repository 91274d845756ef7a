"""The workspace that a user holds: everything else is reached from it."""

from __future__ import annotations

import functools
import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import msgspec

import modelyard
from modelyard import location as places
from modelyard.backend.backend import Backend
from modelyard.data.datastore import DatastoreQuery, DefaultDatastore
from modelyard.errors import InvalidValueError, TokenError, WorkspaceNotFoundError
from modelyard.location import CONFIG, FOLDER, Location
from modelyard.names import check_name
from modelyard.paging import every
from modelyard.runner.attendance import Attendance
from modelyard.settings import Secret, Settings

if TYPE_CHECKING:
    from modelyard.sdk.compute.target import ComputeTarget
    from modelyard.sdk.data.dataset import Dataset
    from modelyard.sdk.data.datastore import Datastore
    from modelyard.sdk.environment import Environment
    from modelyard.sdk.experiment import Experiment
    from modelyard.sdk.image.image import Image
    from modelyard.sdk.model.model import Model
    from modelyard.sdk.service.service import Service


class Workspace:
    """Where experiments, models, environments and services live: a folder, or a server.

    Made by `create`, `get`, `from_config`, `open` or `connect`.
    """

    def __init__(self, backend: Backend, settings: Settings) -> None:
        self.backend = backend
        self.settings = settings
        self.info = backend.identity.get()

    @classmethod
    def create(
        cls,
        name: str,
        *,
        path: str | Path = ".",
        exist_ok: bool = False,
        settings: Settings | None = None,
        **labels: Any,
    ) -> Self:
        """Make a workspace in the folder ``.modelyard`` below `path`, and write its configuration file there.

        Parameters
        ----------
        exist_ok
            Return the workspace that is there, if it has this name.
        labels
            Any texts to keep with it: ``subscription_id``, ``resource_group``, ``location``, ``friendly_name``, …

        Raises
        ------
        InvalidNameError
            If `name` breaks the rule for names.
        AlreadyExistsError
            If there is one, and `exist_ok` is not set.
        InvalidValueError
            If there is one of another name.
        """
        from modelyard.store.creation import create_store

        check_name("a workspace", name)
        settings = settings or Settings.read()
        root = Path(path).resolve() / FOLDER
        kept = {key: str(value) for key, value in labels.items() if value is not None}
        info = create_store(root, name, kept, exist_ok=exist_ok)
        written = Location(
            workspace_name=name,
            location=".",
            subscription_id=info.labels.get("subscription_id"),
            resource_group=info.labels.get("resource_group"),
        )
        places.write(root / CONFIG, written)
        places.remember(settings, info.id, Location(workspace_name=name, location=str(root)))
        return cls.open(root, settings=settings)

    @classmethod
    def open(cls, where: str | Path, *, token: str | None = None, settings: Settings | None = None) -> Self:
        """Open the workspace in a folder (or in its ``.modelyard``), or behind the URL of a server.

        Raises
        ------
        WorkspaceNotFoundError
            If the folder holds none.
        NewerWorkspaceError
            If a newer version wrote it.
        """
        settings = settings or Settings.read()
        if str(where).startswith(("http://", "https://")):
            return cls.connect(str(where), token=token, settings=settings)
        from modelyard.backend.embedded import open_embedded

        root = next((p for p in (Path(where), Path(where) / FOLDER) if places.is_workspace(p)), None)
        if root is None:
            raise WorkspaceNotFoundError(str(where))
        return cls(open_embedded(root.resolve()), settings)

    @classmethod
    def connect(cls, url: str, token: str | None = None, *, settings: Settings | None = None) -> Self:
        """Open the workspace that a server serves.

        Parameters
        ----------
        token
            By default the value of ``MODELYARD_TOKEN``.

        Raises
        ------
        UnreachableError
            If nobody answers.
        TokenError
            If there is no token, or it is not valid.
        """
        from modelyard.backend.remote import connect

        settings = settings or Settings.read()
        secret = token or (settings.token.reveal() if settings.token else None)
        if not secret:
            raise TokenError("A server needs a token: pass it, or set MODELYARD_TOKEN.")
        # kept, so that a process started for this workspace can connect too
        return cls(connect(url, secret), msgspec.structs.replace(settings, token=Secret(secret)))

    @classmethod
    def from_config(
        cls, path: str | Path = ".", *, file_name: str | None = None, settings: Settings | None = None
    ) -> Self:
        """Open the workspace that ``MODELYARD_WORKSPACE`` names, else the nearest one from `path` upwards.

        Parameters
        ----------
        path
            A folder, or the configuration file itself.
        file_name
            The configuration file's name, if not ``config.json``.

        Raises
        ------
        WorkspaceNotFoundError
            If there is none up to the root.
        """
        settings = settings or Settings.read()
        start = Path(path)
        if settings.workspace is not None and start == Path() and file_name is None:
            return cls.open(settings.workspace, settings=settings)
        if start.is_file():
            start, file_name = start.parent, start.name
        return cls.open(places.find(start, file_name, settings), settings=settings)

    @classmethod
    def get(cls, name: str, *, settings: Settings | None = None, **_labels: Any) -> Self:
        """Open the workspace of that name, of those that this user has made.

        Raises
        ------
        WorkspaceNotFoundError
            If there is none.
        InvalidValueError
            If there are several.
        """
        settings = settings or Settings.read()
        return cls.open(places.named(name, settings), settings=settings)

    @classmethod
    def list(cls, *, settings: Settings | None = None) -> dict[str, list[str]]:
        """List the workspaces that this user has made: for each name the folders."""
        found: dict[str, list[str]] = {}
        for one in places.remembered(settings or Settings.read()):
            found.setdefault(one.workspace_name, []).append(str(one.location))
        return found

    @property
    def name(self) -> str:
        """The workspace's name."""
        return self.info.name

    @property
    def location(self) -> str:
        """The folder that the workspace is in, or the URL of its server."""
        return self.backend.location

    @property
    def labels(self) -> dict[str, str]:
        """What was given beside the name when it was made."""
        return dict(self.info.labels)

    @functools.cached_property
    def running_environment(self) -> str:
        """The digest of the blob that records this interpreter's packages, as they were when first asked for."""
        from modelyard.environments.recording import lock_running

        return self.backend.blobs.put(lock_running().to_json())

    @property
    def experiments(self) -> dict[str, Experiment]:
        """The experiments of the workspace, by name."""
        return {one.name: one for one in modelyard.Experiment.list(self)}

    @property
    def environments(self) -> dict[str, Environment]:
        """The registered environments, by name, each in its newest version."""
        return dict(modelyard.Environment.list(self))

    @property
    def models(self) -> dict[str, Model]:
        """The registered models, by name, each in its highest version."""
        return {one.name: one for one in modelyard.Model.list(self, latest=True)}

    @property
    def images(self) -> dict[str, Image]:
        """The images of the workspace, by name, each in its highest version."""
        return {image.name: image for image in reversed(modelyard.Image.list(self))}

    @property
    def webservices(self) -> dict[str, Service]:
        """The services of the workspace, by name."""
        return {one.name: one for one in modelyard.Service.list(self)}

    @property
    def datastores(self) -> dict[str, Datastore]:
        """The datastores of the workspace, by name."""
        found = every(self.backend.datastores.list, DatastoreQuery())
        return {one.name: modelyard.Datastore.of(self, one) for one in found}

    @property
    def compute_targets(self) -> dict[str, ComputeTarget]:
        """The compute targets of the workspace, by name."""
        return {one.name: one for one in modelyard.ComputeTarget.list(self)}

    @property
    def datasets(self) -> dict[str, Dataset]:
        """The data sets of the workspace, by name, each in its highest version."""
        return {one.name: one for one in modelyard.Dataset.list(self, latest=True)}

    def get_default_datastore(self) -> Datastore:
        """Return the datastore that is used where none is named."""
        return modelyard.Datastore.get_default(self)

    def set_default_datastore(self, name: str) -> None:
        """Use this datastore where none is named.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        self.backend.datastores.set_default(DefaultDatastore(name=name))

    def write_config(self, path: str | Path = ".", file_name: str = CONFIG) -> Path:
        """Write a configuration file below `path`, so that `from_config` finds this workspace from there."""
        file = Path(path) / file_name
        labels = self.info.labels
        places.write(
            file,
            Location(
                workspace_name=self.name,
                location=self.location,
                subscription_id=labels.get("subscription_id"),
                resource_group=labels.get("resource_group"),
            ),
        )
        return file

    def delete(self) -> None:
        """Delete an embedded workspace's folder with all that is in it; its runner is ended before.

        Raises
        ------
        InvalidValueError
            If the workspace is served: that is the server's owner's to do.
        RunnerStaysError
            If its runner is within a step that takes long.
        """
        if self.location.startswith(("http://", "https://")):
            raise InvalidValueError(f"workspace {self.name!r}", "it is served; delete its folder on the server")
        self.close()
        Attendance(Path(self.location)).stop()
        while Path(self.location).exists():
            with suppress(FileNotFoundError):  # the last to close the database removes files of it meanwhile
                shutil.rmtree(self.location)
        places.forget(self.settings, self.info.id)

    def close(self) -> None:
        """Close its database or connections; using it again opens them anew."""
        self.backend.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Workspace({self.name!r}, {self.location!r})"
