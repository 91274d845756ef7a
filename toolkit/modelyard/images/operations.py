"""What can be done with the versions of images."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, delete, insert, select, update

from modelyard.errors import InUseError, InvalidValueError, NotFoundError
from modelyard.images.errors import InvalidImageError
from modelyard.images.image import ImageChange, ImagePage, ImageQuery, ImageUse, ImageVersion, NewImageVersion
from modelyard.images.spec import ImageSpec
from modelyard.images.tables import image, image_blob, image_use, image_version
from modelyard.models.model import ModelUse, check_pairs
from modelyard.models.operations import Models
from modelyard.models.uses import hold, release
from modelyard.names import VersionRef, check_label, check_name
from modelyard.operation import operation
from modelyard.paging import check_limit, read_cursor
from modelyard.store.database import Database
from modelyard.store.references import refer
from modelyard.store.store import Store

_KNOWN = 50
"""How many names or versions an error may choose the nearest from."""


class Images:
    """What can be done with images: a version's specification never changes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @operation("POST /images/{name}/versions")
    def register(self, name: str, new: NewImageVersion) -> ImageVersion:
        """Give a specification the next version number of a name, or return the version that has it already.

        Raises
        ------
        InvalidNameError
            If `name` breaks the rule for names.
        InvalidImageError
            If the blob is not a specification.
        MissingBlobError
            If a blob that it names is not in the store.
        NotFoundError
            If a model version that it names is not in the registry.
        InvalidImageError
            If one has other files in the registry.
        """
        check_name("an image", name)
        check_pairs("tag", new.tags)
        check_pairs("source", new.source)
        spec = ImageSpec.decode(self._store.blobs.read(new.spec))
        if spec.name != name:
            raise InvalidImageError("name", name, f"the specification is that of {spec.name}")
        if spec.digest != new.spec:
            raise InvalidValueError(f"specification {new.spec}", f"it is not in its canonical form ({spec.digest})")
        with self._store.database.write() as connection:
            needed = tuple(dict.fromkeys((new.spec, *spec.blobs, *new.blobs, *filter(None, [new.trial]))))
            refer(self._store.database, self._store.blobs, needed)
            row = self._store.database.insert(image).values(name=name, last_version=0)
            connection.execute(row.on_conflict_do_nothing())
            _lock(connection, name)  # versions are counted one writer at a time
            same = (image_version.c.name == name) & (image_version.c.digest == spec.digest)
            if (found := connection.execute(select(image_version.c.document).where(same)).scalar()) is not None:
                return _decode(found)
            return self._insert(connection, name, spec, new, needed)

    @operation("GET /images/{reference}")
    def get(self, reference: str) -> ImageVersion:
        """Read the version that ``NAME:VERSION`` or ``NAME`` (the highest) refers to.

        Raises
        ------
        InvalidReferenceError
            If `reference` has another form.
        NotFoundError
            If there is no such image or version.
        """
        wanted = VersionRef.parse(reference)
        if wanted.alias is not None:
            raise NotFoundError("image", reference)
        with self._store.database.read() as connection:
            return _decode(_row(connection, wanted.name, wanted.version).document)

    @operation("GET /images")
    def list(self, query: ImageQuery) -> ImagePage:
        """List versions of images, the newest first."""
        check_limit(query.limit)
        columns = select(image_version.c.key, image_version.c.document).order_by(image_version.c.key.desc())
        for column, wanted in ((image_version.c.name, query.name), (image_version.c.digest, query.digest)):
            columns = columns if wanted is None else columns.where(column == wanted)
        if query.cursor is not None:
            columns = columns.where(image_version.c.key < read_cursor(query.cursor))
        with self._store.database.read() as connection:
            found: list[tuple[int, ImageVersion]] = []
            for row in connection.execute(columns):
                version = _decode(row.document)
                if _fits(version, query):
                    found.append((row.key, version))
                if len(found) > query.limit:
                    break
        more = len(found) > query.limit
        found = found[: query.limit]
        return ImagePage(items=tuple(one for _, one in found), cursor=str(found[-1][0]) if more else None)

    @operation("PATCH /images/{name}/versions/{version}")
    def update(self, name: str, version: int, change: ImageChange) -> ImageVersion:
        """Change what is said of a version; its specification stays as it is.

        Raises
        ------
        NotFoundError
            If there is no such version.
        """
        check_pairs("tag", change.tags)
        with self._store.database.write() as connection:
            _lock(connection, name)
            row = _row(connection, name, version)
            found = _decode(row.document)
            kept = {tag: value for tag, value in found.tags.items() if tag not in change.without_tags}
            description = found.description if change.description is None else change.description
            changed = msgspec.structs.replace(found, tags=kept | change.tags, description=description)
            this = update(image_version).where(image_version.c.key == row.key)
            connection.execute(this.values(document=msgspec.json.encode(changed)))
        return changed

    @operation("DELETE /images/{name}/versions/{version}")
    def delete(self, name: str, version: int) -> None:
        """Delete a version; its number is not given again, its files go with the next garbage collection.

        Raises
        ------
        NotFoundError
            If there is no such version.
        InUseError
            If a service uses it; the text says which.
        """
        with self._store.database.write() as connection:
            _lock(connection, name)
            row = _row(connection, name, version)
            uses = select(image_use.c.kind, image_use.c.user).where(
                image_use.c.name == name, image_use.c.version == version
            )
            if users := [str(ImageUse(kind=use.kind, user=use.user)) for use in connection.execute(uses)]:
                raise InUseError("image version", f"{name}:{version}", users)
            release(connection, _use(name, version))
            connection.execute(delete(image_blob).where(image_blob.c.key == row.key))
            connection.execute(delete(image_version).where(image_version.c.key == row.key))

    def _insert(
        self, connection: Connection, name: str, spec: ImageSpec, new: NewImageVersion, needed: tuple[str, ...]
    ) -> ImageVersion:
        counted = update(image).where(image.c.name == name).values(last_version=image.c.last_version + 1)
        number = int(connection.execute(counted.returning(image.c.last_version)).scalar_one())
        for model in () if new.foreign else spec.models:
            hold(self._store.database, model.name, model.version, _use(name, number))
            if (tree := Models(self._store).get(str(model)).tree) != model.tree:
                raise InvalidImageError("model", str(model), f"its files in the registry are {tree}, not {model.tree}")
        version = ImageVersion(
            name=name,
            version=number,
            digest=spec.digest,
            spec=spec,
            trial=new.trial,
            description=new.description,
            tags=new.tags,
            source=new.source,
            created=dt.datetime.now(dt.UTC),
        )
        row = {"name": name, "version": number, "digest": spec.digest, "created": version.created.timestamp()}
        inserted = insert(image_version).values(row | {"document": msgspec.json.encode(version)})
        key = connection.execute(inserted.returning(image_version.c.key)).scalar_one()
        connection.execute(insert(image_blob), [{"key": key, "sha256": digest} for digest in needed])
        return version


def hold_image(database: Database, reference: str, use: ImageUse) -> ImageVersion:
    """Record that something uses ``NAME:VERSION``, and read it; joins the caller's transaction.

    Raises
    ------
    NotFoundError
        If there is no such version.
    """
    check_name("a kind of use", use.kind)
    check_label("user", use.user)
    wanted = VersionRef.parse(reference)
    if wanted.alias is not None:
        raise NotFoundError("image", reference)
    with database.write() as connection:
        _lock(connection, wanted.name)
        found = _decode(_row(connection, wanted.name, wanted.version).document)
        row = {"name": found.name, "version": found.version, "kind": use.kind, "user": use.user}
        connection.execute(database.insert(image_use).values(row).on_conflict_do_nothing())
    return found


def release_image(connection: Connection, use: ImageUse) -> None:
    """Record that something uses no image any more."""
    connection.execute(delete(image_use).where(image_use.c.kind == use.kind, image_use.c.user == use.user))


def _lock(connection: Connection, name: str) -> None:
    """Let nobody else change the versions of `name` until the transaction ends."""
    connection.execute(select(image.c.name).where(image.c.name == name).with_for_update()).first()


def _row(connection: Connection, name: str, version: int | None) -> Row[Any, Any]:
    columns = select(image_version.c.key, image_version.c.document).where(image_version.c.name == name)
    wanted = columns.where(image_version.c.version == version) if version is not None else columns
    row = connection.execute(wanted.order_by(image_version.c.version.desc()).limit(1)).first()
    if row is None:
        raise _unknown(connection, name, version)
    return row


def _unknown(connection: Connection, name: str, version: int | None) -> NotFoundError:
    numbers = select(image_version.c.version).where(image_version.c.name == name)
    found = connection.execute(numbers.order_by(image_version.c.version.desc()).limit(_KNOWN)).scalars().all()
    if version is not None and found:
        return NotFoundError("image version", f"{name}:{version}", [f"{name}:{number}" for number in found])
    known = connection.execute(select(image_version.c.name).distinct().limit(_KNOWN)).scalars().all()
    return NotFoundError("image", name, known)


def _decode(document: bytes) -> ImageVersion:
    return msgspec.json.decode(document, type=ImageVersion)


def _use(name: str, version: int) -> ModelUse:
    return ModelUse(kind="image", user=f"{name}:{version}")


def _fits(version: ImageVersion, query: ImageQuery) -> bool:
    models = {text for model in version.spec.models for text in (model.name, str(model))}
    return (query.model is None or query.model in models) and all(_tagged(version, query.tags))


def _tagged(version: ImageVersion, tags: tuple[str, ...]) -> Iterator[bool]:
    for tag in tags:
        name, equals, value = tag.partition("=")
        yield name in version.tags and (not equals or version.tags[name] == value)
