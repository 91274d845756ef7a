"""What differs between two versions: files, rows, columns, and what is in them."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct, structs

from modelyard.data.sets.profile import ColumnProfile, Profile
from modelyard.store.tree import Tree


class ColumnDifference(Struct, frozen=True, kw_only=True):
    """A column of two versions, and the names of what differs in its profile, such as ``type`` or ``mean``."""

    before: ColumnProfile
    after: ColumnProfile
    differs: tuple[str, ...]


class DatasetDifference(Struct, frozen=True, kw_only=True):
    """What differs between two versions of data sets.

    Parameters
    ----------
    added, removed, changed
        Files by their paths.
    rows
        Before and after; None unless both are tables, as are the columns.
    columns_added, columns_removed, columns_changed
        Columns by their names, and those of which the profile differs.
    """

    before: str
    after: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    rows: tuple[int, int] | None = None
    columns_added: tuple[str, ...] = ()
    columns_removed: tuple[str, ...] = ()
    columns_changed: tuple[ColumnDifference, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether the two have the same content."""
        return not (self.added or self.removed or self.changed)

    def __str__(self) -> str:
        return "\n".join(f"{what}: {said}" for what, said in self.facts()) or "no difference"

    def facts(self) -> Iterator[tuple[str, str]]:
        """Say what differs, as names and texts."""
        for what, paths in (("added", self.added), ("removed", self.removed), ("changed", self.changed)):
            yield from ((f"file {what}", path) for path in paths)
        if self.rows is not None and self.rows[0] != self.rows[1]:
            yield "rows", f"{self.rows[0]} → {self.rows[1]}"
        yield from (("column added", name) for name in self.columns_added)
        yield from (("column removed", name) for name in self.columns_removed)
        for column in self.columns_changed:
            for fact in column.differs:
                before, after = getattr(column.before, fact), getattr(column.after, fact)
                yield f"column {column.after.name}", f"{fact} {_text(before)} → {_text(after)}"


def compare(before: tuple[str, Tree, Profile | None], after: tuple[str, Tree, Profile | None]) -> DatasetDifference:
    """Compare two versions, each given by its short name, its files and its profile."""
    (old_id, old, old_profile), (new_id, new, new_profile) = before, after
    there, here = old.files, new.files
    difference = DatasetDifference(
        before=old_id,
        after=new_id,
        added=tuple(path for path in here if path not in there),
        removed=tuple(path for path in there if path not in here),
        changed=tuple(path for path in here if path in there and here[path] != there[path]),
    )
    if old_profile is None or new_profile is None:
        return difference
    old_columns = {one.name: one for one in old_profile.columns}
    new_columns = {one.name: one for one in new_profile.columns}
    both = ((old_columns[name], column) for name, column in new_columns.items() if name in old_columns)
    return structs.replace(
        difference,
        rows=(old_profile.rows, new_profile.rows),
        columns_added=tuple(name for name in new_columns if name not in old_columns),
        columns_removed=tuple(name for name in old_columns if name not in new_columns),
        columns_changed=tuple(_difference(*pair) for pair in both if pair[0] != pair[1]),
    )


def _difference(before: ColumnProfile, after: ColumnProfile) -> ColumnDifference:
    fields = before.__struct_fields__
    differs = tuple(name for name in fields if getattr(before, name) != getattr(after, name))
    return ColumnDifference(before=before, after=after, differs=differs)


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return f"({', '.join(_text(one) for one in value)})"
    if hasattr(value, "count") and hasattr(value, "value"):
        return f"{value.value!r} x {value.count}"
    return f"{value:g}" if isinstance(value, float) else str(value)
