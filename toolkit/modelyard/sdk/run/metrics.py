"""What a run logs: the part of `Run` that writes and reads metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from modelyard.backend.backend import Backend
from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.tracking.charts import chart_as_json
from modelyard.tracking.metric import Kind, Metric, MetricBatch, MetricQuery, NewMetric, as_json, from_json
from modelyard.tracking.picture import Picture, picture_of
from modelyard.tracking.tabular import table_as_json, table_from_json


class RunMetrics:
    """The metrics of a run; `Run` is the class to use."""

    backend: Backend
    id: str

    def log(self, name: str, value: Any, description: str = "", step: int | None = None) -> None:
        """Log one number or text; when this returns it is kept, even if the process is killed.

        Raises
        ------
        InvalidValueError
            If `name` is not 1 to 250 printable characters, or `value` is no number or text.
        """
        new = NewMetric(name=name, value=as_json(value), step=step, description=description)
        self.backend.metrics.log(self.id, MetricBatch(metrics=(new,)))

    def log_many(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Log many numbers or texts by name, all or none."""
        new = tuple(NewMetric(name=name, value=as_json(value), step=step) for name, value in values.items())
        self.backend.metrics.log(self.id, MetricBatch(metrics=new))

    def log_list(self, name: str, value: Sequence[Any], description: str = "") -> None:
        """Log a list of numbers or texts."""
        listed = as_json(value)
        if not isinstance(listed, list):
            raise InvalidValueError(f"metric {name!r}", f"give a list, not {type(value).__name__}")
        self._log("list", name, listed, description)

    def log_row(self, name: str, description: str = "", **values: Any) -> None:
        """Log one row, a value by column; logged again under the same name, rows make a table."""
        self._log("row", name, as_json(values), description)

    def log_table(self, name: str, value: Any, description: str = "") -> None:
        """Log a table: ``{column: values}``, or a pandas data frame.

        Raises
        ------
        InvalidValueError
            If the columns differ in length, or a value cannot be logged.
        """
        self._log("table", name, table_as_json(value), description)

    def log_image(
        self,
        name: str,
        path: str | Path | None = None,
        plot: Any = None,
        description: str = "",
        array: Any = None,
    ) -> None:
        """Log an image from a file, a figure (Matplotlib's ``pyplot`` or a figure, a Pillow image), or an array.

        Parameters
        ----------
        array
            Of shape (height, width) or (height, width, channels) with 1 to 4 channels; integers are 0 to 255, floats
            0 to 1.

        Raises
        ------
        InvalidValueError
            If not just one of them is given, or it is no image.
        """
        picture = picture_of(path, plot, array)
        sha256 = self.backend.blobs.put(picture.data)
        facts = {"media_type": picture.media_type, "size": len(picture.data)}
        new = NewMetric(name=name, value=facts, kind="image", description=description, blob=sha256)
        self.backend.metrics.log(self.id, MetricBatch(metrics=(new,)))

    def log_confusion_matrix(self, name: str, value: Any, description: str = "") -> None:
        """Log a confusion matrix: ``{"class_labels": […], "matrix": [[…], …]}``, alone or as ``data`` of its form."""
        self._log("confusion_matrix", name, chart_as_json("confusion_matrix", value), description)

    def log_accuracy_table(self, name: str, value: Any, description: str = "") -> None:
        """Log the counts from which ROC, lift and precision-recall curves are drawn."""
        self._log("accuracy_table", name, chart_as_json("accuracy_table", value), description)

    def log_residuals(self, name: str, value: Any, description: str = "") -> None:
        """Log a histogram of residuals: ``{"bin_edges": […], "bin_counts": […]}``."""
        self._log("residuals", name, chart_as_json("residuals", value), description)

    def log_predictions(self, name: str, value: Any, description: str = "") -> None:
        """Log predictions against truth: ``{"bin_averages", "bin_errors", "bin_counts", "bin_edges"}``."""
        self._log("predictions", name, chart_as_json("predictions", value), description)

    def get_metrics(self, name: str | None = None, *, recursive: bool = False) -> dict[str, Any]:
        """Return what was logged, by name.

        A name that was logged once gives its value, one that was logged several times the list of them. Rows and
        tables give a dict of columns, an image its media type, size and sha256 (`get_image` fetches it).

        Parameters
        ----------
        recursive
            Add what the children logged; their values follow those of this run.
        """
        kept: dict[str, list[Metric]] = {}
        runs = [self.id, *(child.id for child in self._below())] if recursive else [self.id]
        for run_id in runs:
            for one in self._read(run_id, name):
                kept.setdefault(one.name, []).append(one)
        return {one: _joined(metrics) for one, metrics in kept.items()}

    def metric_history(self, name: str) -> list[Metric]:
        """Return every value of a metric with its step and time (UTC), in the order in which they were logged."""
        return [_restored(one) for one in self._read(self.id, name)]

    def get_image(self, name: str, position: int = -1) -> Picture:
        """Fetch an image that was logged: its bytes and media type; ``.open()`` makes it a Pillow image.

        Parameters
        ----------
        position
            Which of several under that name, as the index of a list; by default the last.

        Raises
        ------
        NotFoundError
            If there is no such image.
        """
        images = [one for one in self._read(self.id, name) if one.kind == "image" and one.blob is not None]
        try:
            found = images[position]
        except IndexError:
            known = sorted({one.name for one in self._read(self.id, None) if one.kind == "image"})
            raise NotFoundError("image", name, known) from None
        return Picture(data=self.backend.blobs.read(str(found.blob)), media_type=found.value["media_type"])

    def _below(self) -> Iterator[Any]:
        raise NotImplementedError

    def _log(self, kind: Kind, name: str, value: Any, description: str) -> None:
        new = NewMetric(name=name, value=value, kind=kind, description=description)
        self.backend.metrics.log(self.id, MetricBatch(metrics=(new,)))

    def _read(self, run_id: str, name: str | None) -> Iterator[Metric]:
        cursor: str | None = None
        while True:
            page = self.backend.metrics.list(run_id, MetricQuery(name=name, cursor=cursor))
            yield from page.items
            cursor = page.cursor
            if cursor is None:
                return


def _restored(one: Metric) -> Metric:
    return Metric(
        name=one.name,
        kind=one.kind,
        value=_value(one),
        position=one.position,
        time=one.time,
        step=one.step,
        description=one.description,
        blob=one.blob,
    )


def _value(one: Metric) -> Any:
    if one.kind == "table":
        return table_from_json(one.value)
    if one.kind == "image":
        return {**one.value, "sha256": one.blob}
    return from_json(one.value)


def _joined(metrics: list[Metric]) -> Any:
    values = [_value(one) for one in metrics]
    if len(values) == 1:
        return values[0]
    if all(one.kind == "row" for one in metrics):
        columns = dict.fromkeys(column for row in values for column in row)
        return {column: [row.get(column) for row in values] for column in columns}
    return values
