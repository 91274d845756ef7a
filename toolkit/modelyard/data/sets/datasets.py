"""What can be done with the data sets of a workspace."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

import msgspec
from msgspec import structs
from sqlalchemy import Connection, delete, insert, select, update

from modelyard.data.datastores import find_datastore
from modelyard.data.sets import rows, uses
from modelyard.data.sets.dataset import DatasetQuery, DatasetVersion, Listing, NewDatasetVersion
from modelyard.data.sets.profile import Profile
from modelyard.data.sets.rows import Said
from modelyard.data.tables import dataset, dataset_version
from modelyard.errors import InUseError, InvalidValueError
from modelyard.names import VersionRef, check_label, check_name
from modelyard.operation import Page, operation
from modelyard.paging import check_limit
from modelyard.store.references import refer
from modelyard.store.store import Store
from modelyard.store.tree import Tree


class Datasets:
    """What can be done with data sets: a version, once registered, never changes."""

    def __init__(self, store: Store) -> None:
        self._database = store.database
        self._blobs = store.blobs

    @operation("POST /datasets/{name}/versions")
    def register(self, name: str, new: NewDatasetVersion) -> DatasetVersion:
        """Keep data as the next version of a name, or return the latest one if that is the same.

        Raises
        ------
        InvalidNameError
            If `name` breaks the rule for names.
        InvalidValueError
            If a blob is not what it should be, or a tag or the format cannot be kept.
        NotFoundError
            If the reference is to a datastore that is not there.
        MissingBlobError
            If a blob that `new` names, or a file of the tree, is not in the store.
        """
        check_name("a data set", name)
        _check(new)
        facts = self._facts(new)
        with self._database.write() as connection:
            refer(self._database, self._blobs, [one for one in (new.content, new.profile) if one is not None])
            if new.reference is not None:
                find_datastore(connection, new.reference.datastore, lock=True)
            row = {"name": name, "last_version": 0, "created": time.time(), "document": msgspec.json.encode(Said())}
            connection.execute(self._database.insert(dataset).values(row).on_conflict_do_nothing())
            said = _said(rows.lock_name(connection, name), new)
            connection.execute(update(dataset).where(dataset.c.name == name).values(document=msgspec.json.encode(said)))
            latest = _latest(connection, name)
            if latest is None or any(getattr(latest, fact) != facts[fact] for fact in _SAME):
                latest = _insert(connection, name, facts)
            return structs.replace(latest, description=said.description, tags=said.tags)

    @operation("GET /datasets")
    def list(self, query: DatasetQuery) -> Page[DatasetVersion]:
        """List versions of data sets, the newest first."""
        limit = check_limit(query.limit)
        statement = select(dataset_version).where(*rows.conditions(query)).order_by(dataset_version.c.key.desc())
        with self._database.read() as connection:
            found = list(connection.execute(statement.limit(limit + 1)).all())
            items = tuple(rows.versions(connection, found[:limit]))
        return Page(items=items, cursor=str(found[limit - 1].key) if len(found) > limit else None)

    @operation("GET /datasets/{reference}")
    def get(self, reference: str) -> DatasetVersion:
        """Read the version that ``NAME:VERSION`` or ``NAME`` (the highest) refers to.

        Raises
        ------
        InvalidReferenceError
            If `reference` has another form.
        NotFoundError
            If there is no such data set or version.
        """
        wanted = VersionRef.parse(reference)
        if wanted.alias is not None:
            raise InvalidValueError(f"data set {reference!r}", "data sets have no aliases: write NAME or NAME:VERSION")
        with self._database.read() as connection:
            return next(rows.versions(connection, [rows.row_of(connection, wanted.name, wanted.version)]))

    @operation("DELETE /datasets/{name}/versions/{version}")
    def delete(self, name: str, version: int) -> None:
        """Delete a version; its number is not given again, what the workspace kept goes with the garbage.

        Raises
        ------
        NotFoundError
            If there is no such version.
        InUseError
            If something uses it; the text says what.
        """
        with self._database.write() as connection:
            rows.lock_name(connection, name)
            key = rows.row_of(connection, name, version).key
            if using := uses.users(connection, name, version):
                raise InUseError("version of a data set", f"{name}:{version}", using)
            connection.execute(delete(dataset_version).where(dataset_version.c.key == key))

    def _facts(self, new: NewDatasetVersion) -> dict[str, Any]:
        """Say what is known of a version from the blobs themselves."""
        tree, profile = self._tree(new), self._profile(new)
        return {
            "digest": tree.digest,
            "content": new.content,
            "files": len(tree.files),
            "size": tree.size,
            "reference": new.reference,
            "format": new.format,
            "profile": new.profile,
            "rows": profile.rows if profile else None,
            "columns": len(profile.columns) if profile else None,
            "run_id": new.run_id,
        }

    def _tree(self, new: NewDatasetVersion) -> Tree:
        data = self._blobs.read(new.content)
        try:
            listed = msgspec.json.decode(data, type=Listing).tree if new.reference is not None else None
            tree = listed or Tree.of(list(Tree.decode(data, new.content).entries))
        except msgspec.MsgspecError as error:
            wanted = "listing of files" if new.reference else "tree"
            raise InvalidValueError(f"content {new.content}", f"the blob is not a {wanted} ({error})") from None
        if not tree.files or len(tree.files) < len(tree.entries):
            reason = "a data set has one file at least, and nothing but files: no links, no empty folders"
            raise InvalidValueError(f"content {new.content}", reason)
        return tree

    def _profile(self, new: NewDatasetVersion) -> Profile | None:
        try:
            return Profile.from_json(self._blobs.read(new.profile)) if new.profile is not None else None
        except msgspec.MsgspecError as error:
            raise InvalidValueError(f"profile {new.profile}", f"the blob is not a profile ({error})") from None


_SAME = ("digest", "reference", "format")
"""What two versions that are the same have in common."""


def _check(new: NewDatasetVersion) -> None:
    for kind, text in (("run", new.run_id), *(("tag", tag) for tag in new.tags)):
        if text is not None:
            check_label(kind, text)
    if (new.format is None) != (new.profile is None):
        raise InvalidValueError("profile", "give it with the format of a table, and neither for other files")
    if new.format is not None:
        new.format.check()


def _said(there: Said, new: NewDatasetVersion) -> Said:
    description = there.description if new.description is None else new.description
    return Said(description=description, tags=there.tags | new.tags)


def _latest(connection: Connection, name: str) -> DatasetVersion | None:
    these = select(dataset_version.c.document).where(dataset_version.c.name == name)
    document = connection.execute(these.order_by(dataset_version.c.version.desc()).limit(1)).scalar()
    return None if document is None else msgspec.json.decode(document, type=DatasetVersion)


def _insert(connection: Connection, name: str, facts: dict[str, Any]) -> DatasetVersion:
    this = update(dataset).where(dataset.c.name == name).values(last_version=dataset.c.last_version + 1)
    number = connection.execute(this.returning(dataset.c.last_version)).scalar_one()
    version = DatasetVersion(name=name, version=number, created=dt.datetime.now(dt.UTC), **facts)
    row = {fact: getattr(version, fact) for fact in ("name", "version", "digest", "content", "profile")}
    row |= {"datastore": version.reference.datastore if version.reference else None}
    row |= {"created": version.created.timestamp(), "document": msgspec.json.encode(version)}
    connection.execute(insert(dataset_version).values(row))
    return version
