"""Some of many runs, in an order, page by page.

Ordered by a metric, the runs that have a number there come first, found in the table of last values, where those of
one experiment and name lie side by side; then the rest, the newest first. A page's cursor says in which of the two it
ended, and where.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, Select, and_, or_, select

from modelyard.errors import InvalidValueError
from modelyard.operation import Page
from modelyard.paging import check_limit
from modelyard.tracking.rows import parent_run, reads_as, run_info, select_runs
from modelyard.tracking.run import RunInfo, RunQuery
from modelyard.tracking.tables import experiment, metric_latest, run, run_label


class Listing:
    """The answer to a query, as things stand at `now` (seconds, by the store's clock)."""

    def __init__(self, connection: Connection, query: RunQuery, now: float) -> None:
        check_limit(query.limit)
        by, _, self._metric = query.order_by.partition(":")
        if (by, bool(self._metric)) not in {("created", False), ("metric", True)}:
            raise InvalidValueError(f"order {query.order_by!r}", "write created, or metric:NAME")
        self._connection = connection
        self._query = query
        self._now = now
        self._rest, self._number, self._key = _read_cursor(query.cursor)

    def page(self) -> Page[RunInfo]:
        """Read the page."""
        wanted = self._query.limit + 1
        found: list[RowMapping] = []
        if self._metric and not self._rest:
            found = list(self._connection.execute(self._with_number(wanted)).mappings())
            ranked = len(found)
        else:
            ranked = 0
        if len(found) < wanted:
            found += self._connection.execute(self._without_number(ranked).limit(wanted - len(found))).mappings()
        shown = found[: self._query.limit]
        metrics = self._metrics([row["key"] for row in shown]) if self._query.metrics else {}
        items = tuple(run_info(row, self._now, metrics.get(row["key"])) for row in shown)
        more = len(found) > len(shown)
        return Page(items=items, cursor=_cursor(shown[-1], rest=len(shown) > ranked) if more else None)

    def _with_number(self, wanted: int) -> Select[Any]:
        number, key = metric_latest.c.number, metric_latest.c.run
        best = select(key, number).where(metric_latest.c.name == self._metric, number.is_not(None))
        if self._query.experiment is not None:
            best = best.where(metric_latest.c.experiment == self._experiment())
        if conditions := list(self._conditions()):
            best = best.join(run, run.c.key == key).where(*conditions)
        if self._number is not None:
            beyond = number < self._number if self._query.descending else number > self._number
            best = best.where(or_(beyond, and_(number == self._number, key < self._key)))
        order = number.desc() if self._query.descending else number.asc()
        # chosen before the rest of each row is read: the best of many are few
        few = best.order_by(order, key.desc()).limit(wanted).subquery()
        statement = select_runs().add_columns(few.c.number.label("ranked")).join(few, few.c.run == run.c.key)
        return statement.order_by(few.c.number.desc() if self._query.descending else few.c.number, run.c.key.desc())

    def _without_number(self, ranked: int) -> Select[Any]:
        statement = select_runs().where(*self._conditions())
        if self._query.experiment is not None:
            statement = statement.where(run.c.experiment == self._experiment())
        if self._metric:
            mine = (metric_latest.c.run == run.c.key) & (metric_latest.c.name == self._metric)
            mine &= metric_latest.c.experiment == run.c.experiment
            numbered = select(metric_latest.c.run).where(mine, metric_latest.c.number.is_not(None))
            statement = statement.where(~numbered.exists())
        newest_first = bool(self._metric) or self._query.descending
        if self._key is not None and self._number is None and not ranked:
            statement = statement.where(run.c.key < self._key if newest_first else run.c.key > self._key)
        return statement.order_by(run.c.key.desc() if newest_first else run.c.key.asc())

    def _conditions(self) -> Iterator[ColumnElement[bool]]:
        """Say what a run has to be, beside its experiment and its metric."""
        query = self._query
        if query.ids:
            yield run.c.id.in_(query.ids)
        if query.parent is not None:
            yield run.c.parent == select(parent_run.c.key).where(parent_run.c.id == query.parent).scalar_subquery()
        if query.top:
            yield run.c.parent.is_(None)
        if query.status:
            yield reads_as(query.status, self._now)
        if query.type:
            yield run.c.type.in_(query.type)
        yield from (_has_label("tag", label) for label in query.tags)
        yield from (_has_label("property", label) for label in query.properties)

    def _experiment(self) -> int:
        """Find the experiment's number; none has -1, and so no runs."""
        found = self._connection.execute(select(experiment.c.key).where(experiment.c.name == self._query.experiment))
        return int(found.scalar() or -1)

    def _metrics(self, keys: list[int]) -> dict[int, dict[str, Any]]:
        columns = (metric_latest.c.run, metric_latest.c.name, metric_latest.c.number, metric_latest.c.document)
        scalars = metric_latest.c.run.in_(keys) & (metric_latest.c.kind == "scalar")
        told: dict[int, dict[str, Any]] = defaultdict(dict)
        for key, name, number, document in self._connection.execute(select(*columns).where(scalars)):
            told[key][name] = number if document is None else msgspec.json.decode(document)
        return told


def _has_label(kind: str, text: str) -> ColumnElement[bool]:
    label, equals, value = text.partition("=")
    mine = (run_label.c.run == run.c.key) & (run_label.c.kind == kind) & (run_label.c.label == label)
    return select(run_label.c.run).where(mine, *([run_label.c.value == value] if equals else [])).exists()


def _cursor(row: RowMapping, *, rest: bool) -> str:
    return f"{row['key']}" if rest else f"{row['key']}:{float(row['ranked']).hex()}"


def _read_cursor(text: str | None) -> tuple[bool, float | None, int | None]:
    """Read whether it stands among the runs without a number, at which number, and at which run."""
    if text is None:
        return False, None, None
    key, _, number = text.partition(":")
    try:
        return not number, float.fromhex(number) if number else None, int(key)
    except (ValueError, OverflowError):
        raise InvalidValueError(f"cursor {text!r}", "give the one that the page before came with") from None
