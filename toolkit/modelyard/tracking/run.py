"""What is recorded of an experiment and of a run."""

from __future__ import annotations

import datetime as dt
from typing import Any

from msgspec import Struct

from modelyard.errors import InvalidValueError
from modelyard.names import check_label
from modelyard.tracking.status import Status

MAX_LABEL_VALUE = 8192
"""Characters that the value of a tag or a property may have."""

SUBMITTED = "script"
"""The type of a run whose script was submitted: a process of its own looks after it, and writes its end."""
STEP = "step"
"""The type of a run that is a step of a pipeline: the runner writes its end."""
ENDS_AS = "ends_as"
"""Among a submitted run's details: how its script has said that it ends."""


class NewExperiment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What an experiment is made from."""

    name: str
    description: str = ""


class ExperimentInfo(Struct, frozen=True, kw_only=True):
    """A set of runs to compare; `last_number` is that of its newest run, 0 if it never had one. Times are UTC."""

    name: str
    description: str
    created: dt.datetime
    last_number: int


class ExperimentQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which experiments to list, by name; `limit` is 1 to 1000."""

    cursor: str | None = None
    limit: int = 100


class RunError(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a run failed: a sentence, a code of the user's choice, and the end of the traceback."""

    message: str
    code: str = ""
    traceback: str = ""


class NewRun(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run begins with.

    Parameters
    ----------
    display_name
        What people call it; by default its id.
    type
        What kind of run it is, such as ``run``, ``script`` or ``step``.
    status
        One of those before the end.
    heartbeat
        Seconds between the signs of life that it will give, None if it will give none.
    digests
        Blobs and trees that belong to it, by what they are to it (``snapshot``, ``environment``, ``input:NAME``, …);
        garbage collection keeps them.
    details
        Whatever else there is to know, as JSON: the command, what git says, …
    """

    display_name: str = ""
    type: str = "run"
    status: Status = "NotStarted"
    parent: str | None = None
    heartbeat: float | None = None
    tags: dict[str, str] = {}
    properties: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    digests: dict[str, str] = {}
    details: dict[str, Any] = {}


class RunInfo(Struct, frozen=True, kw_only=True):
    """A run as it stands; its fields are those of `NewRun`, and times are UTC.

    `metrics` holds the last value of each scalar, and is filled only where it was asked for.
    """

    id: str
    number: int
    experiment: str
    display_name: str
    type: str
    status: Status
    parent: str | None
    tags: dict[str, str]
    properties: dict[str, str]
    parameters: dict[str, Any]
    digests: dict[str, str]
    details: dict[str, Any]
    error: RunError | None
    heartbeat: float | None
    created: dt.datetime
    started: dt.datetime | None
    ended: dt.datetime | None
    metrics: dict[str, Any] = {}


class StatusChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a run is to become; `error` goes with Failed, `heartbeat` (seconds) with Running."""

    status: Status
    error: RunError | None = None
    heartbeat: float | None = None


class RunChange(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What to change of a run; what is not given stays.

    `tags` are set and `remove_tags` removed; `properties`, `parameters` and `digests` are added, and one that is there
    with another value is an error; `details` replace those of the same key.
    """

    display_name: str | None = None
    tags: dict[str, str] = {}
    remove_tags: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    parameters: dict[str, Any] = {}
    digests: dict[str, str] = {}
    details: dict[str, Any] = {}


class RunQuery(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Which runs to list, in which order.

    Parameters
    ----------
    experiment
        The runs of this one.
    parent
        The children of this run.
    top
        Only runs without a parent.
    ids, status, type
        One of these.
    tags, properties
        Each written ``KEY`` or ``KEY=VALUE``; a run has to have all of them.
    order_by
        ``created``, or ``metric:NAME`` for the last value of a metric; runs that have no number there come last.
    descending
        The newest, or the largest, first.
    limit
        1 to 1000.
    metrics
        Tell the last value of each scalar too.
    """

    experiment: str | None = None
    parent: str | None = None
    top: bool = False
    ids: tuple[str, ...] = ()
    status: tuple[Status, ...] = ()
    type: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    properties: tuple[str, ...] = ()
    order_by: str = "created"
    descending: bool = True
    cursor: str | None = None
    limit: int = 100
    metrics: bool = False


def check_labels(kind: str, labels: dict[str, str]) -> None:
    """Pass if every key and value may be that of a tag or a property.

    Raises
    ------
    InvalidValueError
        If a key is empty, has more than 250 characters, a control character or ``=``, or a value more than 8192
        characters.
    """
    for key, value in labels.items():
        check_label(kind, key)
        if "=" in key:
            raise InvalidValueError(f"{kind} {key!r}", "its name cannot hold '='")
        if len(value) > MAX_LABEL_VALUE:
            raise InvalidValueError(f"{kind} {key!r}", f"its value may have {MAX_LABEL_VALUE} characters")
