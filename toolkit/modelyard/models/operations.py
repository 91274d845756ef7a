"""What can be done with the versions of models."""

from __future__ import annotations

import datetime as dt

import msgspec
from sqlalchemy import Connection, delete, insert, select

from modelyard.data.sets import uses
from modelyard.errors import InUseError, InvalidValueError, StateError
from modelyard.models import rows
from modelyard.models.model import (
    ModelChange,
    ModelPage,
    ModelQuery,
    ModelUse,
    ModelVersion,
    NewModelVersion,
    check_pairs,
)
from modelyard.models.tables import model, model_alias, model_use, model_version
from modelyard.names import VersionRef, check_label, check_name
from modelyard.operation import operation
from modelyard.paging import check_limit
from modelyard.store.references import refer
from modelyard.store.store import Store
from modelyard.store.tree import Tree


class Models:
    """What can be done with the versions of models."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("POST /models/{name}/versions")
    def register(self, name: str, new: NewModelVersion) -> ModelVersion:
        """Give a model the next version number of its name.

        Raises
        ------
        InvalidNameError
            If `name` breaks the rule for names.
        InvalidValueError
            If the tree does not hold just one file or one folder, or a tag or property cannot be kept.
        MissingBlobError
            If a blob that `new` names is not in the store.
        """
        check_name("a model", name)
        check_pairs("tag", new.tags)
        check_pairs("property", new.properties)
        for kind, text in (("framework", new.framework), ("run", new.run_id)):
            if text is not None:
                check_label(kind, text)
        tree = self._tree(new)
        now = dt.datetime.now(dt.UTC)
        facts = msgspec.structs.asdict(new) | {"entry": _entry(tree), "files": len(tree.files), "size": tree.size}
        with self._store.database.write() as connection:
            named = (new.tree, new.sample, new.certificate, new.lock)
            refer(self._store.database, self._store.blobs, (digest for digest in named if digest is not None))
            number = self._next(connection, name, now)
            version = ModelVersion(name=name, version=number, created=now, **facts)
            self._insert(connection, version)
            self._hold_datasets(version)
        return version

    @operation("GET /models")
    def list(self, query: ModelQuery) -> ModelPage:
        """List versions of models, the newest first."""
        check_limit(query.limit)
        columns = select(model_version.c.key, model_version.c.document).where(*rows.conditions(query))
        with self._store.database.read() as connection:
            newest = columns.order_by(model_version.c.key.desc()).limit(query.limit + 1)
            found = connection.execute(newest).all()
            items = tuple(rows.with_aliases(connection, (row.document for row in found[: query.limit])))
        more = len(found) > query.limit
        return ModelPage(items=items, cursor=str(found[query.limit - 1].key) if more else None)

    @operation("GET /models/{reference}")
    def get(self, reference: str) -> ModelVersion:
        """Read the version that ``NAME:VERSION``, ``NAME@ALIAS`` or ``NAME`` (the highest) refers to.

        Raises
        ------
        InvalidReferenceError
            If `reference` has another form.
        NotFoundError
            If there is no such model, version or alias.
        """
        wanted = VersionRef.parse(reference)
        with self._store.database.read() as connection:
            if wanted.alias is not None:
                number = rows.aliased_version(connection, wanted.name, wanted.alias)
            else:
                number = wanted.version or rows.latest_version(connection, wanted.name)
            document = rows.row_of(connection, wanted.name, number).document
            return next(rows.with_aliases(connection, [document]))

    @operation("PATCH /models/{name}/versions/{version}")
    def update(self, name: str, version: int, change: ModelChange) -> ModelVersion:
        """Change what is said of a version; its files, signature and properties stay as they are.

        Raises
        ------
        NotFoundError
            If there is no such version.
        StateError
            If a property is there with another value: properties are only added.
        """
        check_pairs("tag", change.tags)
        check_pairs("property", change.properties)
        if change.framework is not None:
            check_label("framework", change.framework)
        with self._store.database.write() as connection:
            rows.lock_name(connection, name)
            row = rows.row_of(connection, name, version)
            changed = _changed(msgspec.json.decode(row.document, type=ModelVersion), change)
            rows.save(connection, row.key, changed)
            self._hold_datasets(changed)
            return next(rows.with_aliases(connection, [msgspec.json.encode(changed)]))

    @operation("DELETE /models/{name}/versions/{version}")
    def delete(self, name: str, version: int) -> None:
        """Delete a version; its number is not given again, its files go with the next garbage collection.

        Raises
        ------
        NotFoundError
            If there is no such version.
        InUseError
            If an alias points to it, or something uses it; the text says what.
        """
        with self._store.database.write() as connection:
            rows.lock_name(connection, name)
            key = rows.row_of(connection, name, version).key
            if users := _users(connection, name, version):
                raise InUseError("model version", f"{name}:{version}", users)
            connection.execute(delete(model_version).where(model_version.c.key == key))
            uses.release(connection, kind="model", user=f"{name}:{version}")

    def _hold_datasets(self, version: ModelVersion) -> None:
        """Keep the data sets from being deleted that are said to have gone into a version, those that are here."""
        for use in version.datasets:
            uses.hold_named(self._store.database, use.dataset, kind="model", user=version.id)

    def _tree(self, new: NewModelVersion) -> Tree:
        try:
            return Tree.decode(self._store.blobs.read(new.tree), new.tree)
        except msgspec.MsgspecError as error:
            raise InvalidValueError(f"tree {new.tree}", f"the blob is not a tree ({error})") from None

    def _next(self, connection: Connection, name: str, now: dt.datetime) -> int:
        """Take the next number; the name's row is ours until the transaction ends, so nobody else gets it."""
        row = {"name": name, "last_version": 1, "created": now.timestamp()}
        counted = self._store.database.insert(model).values(row)
        following = {"last_version": model.c.last_version + 1}
        counted = counted.on_conflict_do_update(index_elements=[model.c.name], set_=following)
        return int(connection.execute(counted.returning(model.c.last_version)).scalar_one())

    def _insert(self, connection: Connection, version: ModelVersion) -> None:
        columns = ("name", "version", "tree", "sample", "certificate", "lock", "run_id", "framework")
        row = {name: getattr(version, name) for name in columns}
        row |= {"created": version.created.timestamp(), "document": msgspec.json.encode(version)}
        inserted = connection.execute(insert(model_version).values(row).returning(model_version.c.key))
        rows.write_labels(connection, inserted.scalar_one(), version)


def _entry(tree: Tree) -> str:
    names = sorted({entry.path.partition("/")[0] for entry in tree.entries})
    if len(names) != 1 or not tree.files:
        reason = f"a model is one file or one folder with files in it, not {', '.join(names[:8]) or 'nothing'}"
        raise InvalidValueError(f"tree {tree.digest}", reason)
    return names[0]


def _changed(found: ModelVersion, change: ModelChange) -> ModelVersion:
    for name, value in change.properties.items():
        if (there := found.properties.get(name, value)) != value:
            raise StateError(f"The property {name!r} of {found.id}", repr(there), f"become {value!r}")
    texts = {name: getattr(change, name) for name in ("description", "framework", "framework_version")}
    added = tuple(use for use in change.datasets if use not in found.datasets)
    kept = {name: value for name, value in found.tags.items() if name not in change.without_tags}
    return msgspec.structs.replace(
        found,
        tags=kept | change.tags,
        properties=found.properties | change.properties,
        datasets=found.datasets + added,
        **{name: text for name, text in texts.items() if text is not None},
    )


def _users(connection: Connection, name: str, version: int) -> tuple[str, ...]:
    """Name everything that keeps a version from being deleted."""
    aliases = select(model_alias.c.alias).where(model_alias.c.name == name, model_alias.c.version == version)
    uses = select(model_use.c.kind, model_use.c.user).where(model_use.c.name == name, model_use.c.version == version)
    pointing = connection.execute(aliases.order_by(model_alias.c.alias)).scalars()
    using = connection.execute(uses.order_by(model_use.c.kind, model_use.c.user))
    return (*(f"the alias {alias}" for alias in pointing), *(str(ModelUse(kind=k, user=u)) for k, u in using))
