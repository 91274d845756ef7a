"""What makes jobs, and runs them at places on a compute target."""

import sys
from pathlib import Path
from typing import Self

from tests.integration.services.clients import wait_until

from modelyard.compute.job import Job
from modelyard.compute.preparation import Trees
from modelyard.compute.target import Compute, JobState
from modelyard.store.blobs import BlobFolder
from modelyard.store.tree import Tree
from modelyard.store.trees import keep_folder

PATIENCE = 60.0
"""Seconds for what takes less than one."""


class Jobs:
    """Makes jobs and runs them on a compute target, each at a place of its own."""

    def __init__(self, compute: Compute, base: Path) -> None:
        self.compute = compute
        self.base = base
        self.blobs = BlobFolder(base / "blobs")
        self._trees: dict[str, Tree] = {}
        self.trees = Trees(self._trees.__getitem__, self.blobs)
        self.places: list[Path] = []

    def tree(self, **files: str) -> str:
        """Keep files as a tree: their texts, by names in which ``_`` stands for the dot."""
        folder = self.base / f"source-{len(self._trees)}"
        folder.mkdir()
        for name, text in files.items():
            (folder / name.replace("_", ".")).write_text(text)
        tree = keep_folder(folder, self.blobs)
        self._trees[tree.digest] = tree
        return tree.digest

    def job(self, text: str = "", /, *arguments: str, **changed: object) -> Job:
        """Make a job of a Python script."""
        given: dict[str, object] = {
            "workspace": "/w",
            "run": "steps_1",
            "snapshot": self.tree(train_py=text),
            "script": "train.py",
            "command": arguments,
            "python": sys.executable,
            "cache": str(self.base / "cache"),
        }
        return Job(**(given | changed))  # type: ignore[arg-type]

    def place(self) -> Path:
        """Give a place that was not used; it is looked after at the end of the test."""
        self.places.append(self.base / "places" / f"step {len(self.places)} ü")
        return self.places[-1]

    def start(self, job: Job, place: Path | None = None) -> Path:
        """Start a job at a place."""
        place = place or self.place()
        self.compute.start(job, place, self.trees)
        return place

    def ended(self, place: Path) -> JobState:
        """Wait for the end of a job."""
        self.compute.wait([place], PATIENCE)
        return self.compute.observe(place)

    def run(self, text: str, /, *arguments: str, **changed: object) -> tuple[JobState, str]:
        """Run a script to its end; say how it ended, and what it wrote."""
        place = self.start(self.job(text, *arguments, **changed))
        return self.ended(place), self.compute.log(place).read_bytes().decode(errors="replace")

    def wait_for_line(self, place: Path, line: str) -> None:
        """Wait until a job has written a line."""
        wait_until(lambda: line in self.compute.log(place).read_text().splitlines(), PATIENCE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """End every job that was started; nothing of them is left."""
        for place in self.places:
            self.compute.end(place)
            assert self.ended(place).state != "running"
