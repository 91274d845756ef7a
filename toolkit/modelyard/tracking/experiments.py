"""What can be done with experiments."""

from __future__ import annotations

import datetime as dt
import time
from typing import Any

from sqlalchemy import select

from modelyard.errors import NotFoundError
from modelyard.names import check_name
from modelyard.operation import Page, operation
from modelyard.paging import check_limit
from modelyard.store.store import Store
from modelyard.tracking.run import ExperimentInfo, ExperimentQuery, NewExperiment
from modelyard.tracking.tables import experiment

_COLUMNS = (experiment.c.name, experiment.c.description, experiment.c.created, experiment.c.last_number)


class Experiments:
    """What can be done with experiments: they are made once, and never change their name."""

    def __init__(self, store: Store) -> None:
        self._database = store.database

    @operation("POST /experiments")
    def create(self, new: NewExperiment) -> ExperimentInfo:
        """Make an experiment, or return the one that has the name already.

        Raises
        ------
        InvalidNameError
            If the name breaks the rule for names.
        """
        check_name("an experiment", new.name)
        row = {"name": new.name, "description": new.description, "created": time.time(), "last_number": 0}
        this = select(*_COLUMNS).where(experiment.c.name == new.name)
        with self._database.read() as connection:
            found = connection.execute(this).first()
        if found is None:
            with self._database.write() as connection:
                connection.execute(self._database.insert(experiment).values(row).on_conflict_do_nothing())
                found = connection.execute(this).one()
        return _info(found)

    @operation("GET /experiments/{name}")
    def get(self, name: str) -> ExperimentInfo:
        """Read an experiment.

        Raises
        ------
        NotFoundError
            If there is none of that name.
        """
        with self._database.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(experiment.c.name == name)).first()
            if row is None:
                known = connection.execute(select(experiment.c.name).order_by(experiment.c.name).limit(1000)).scalars()
                raise NotFoundError("experiment", name, known.all())
        return _info(row)

    @operation("GET /experiments")
    def list(self, query: ExperimentQuery) -> Page[ExperimentInfo]:
        """List experiments by name."""
        check_limit(query.limit)
        statement = select(*_COLUMNS).order_by(experiment.c.name).limit(query.limit + 1)
        if query.cursor is not None:
            statement = statement.where(experiment.c.name > query.cursor)
        with self._database.read() as connection:
            found = [_info(row) for row in connection.execute(statement)]
        more = len(found) > query.limit
        return Page(items=tuple(found[: query.limit]), cursor=found[query.limit - 1].name if more else None)


def _info(row: Any) -> ExperimentInfo:
    return ExperimentInfo(
        name=row.name,
        description=row.description,
        created=dt.datetime.fromtimestamp(row.created, dt.UTC),
        last_number=row.last_number,
    )
