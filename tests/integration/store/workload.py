"""A client of a workspace that writes down what it was promised.

Before each call a line ``try KIND KEY`` goes to the history, and after it ``ok KIND KEY``. Whoever reads the history
after a kill knows what must be there (ok), what may be (tried last), and what may not (never tried). A kill may cut a
``write`` where a page of the file ends: a line that does not end in a full stop is none.
"""

import hashlib
import itertools
import os
import random
from collections.abc import Callable
from pathlib import Path

from modelyard.backend.backend import Backend
from modelyard.backend.embedded import open_embedded
from modelyard.models.model import MoveAlias, NewModelVersion
from modelyard.store.tree import Entry, Tree
from modelyard.tracking.files import NewFile, NewFiles
from modelyard.tracking.logs import LogChunk
from modelyard.tracking.metric import MetricBatch, NewMetric
from modelyard.tracking.run import NewExperiment, NewRun, StatusChange

Write = Callable[[str], None]


class Client:
    """Creates, logs, uploads, registers and moves aliases, and says each time what was asked and what was answered."""

    def __init__(self, backend: Backend, write: Write, seed: int) -> None:
        self.backend = backend
        self.write = write
        self.random = random.Random(seed)
        self.name = f"client-{seed}"
        backend.experiments.create(NewExperiment(name=self.name))
        self.run = ""

    def round(self, number: int) -> None:
        """Do each thing once."""
        self.start(number)
        for step in range(4):
            self.log(step)
        data = self.random.randbytes(self.random.choice((10, 3000, 300_000)))
        sha256 = self.upload(data)
        self.register(sha256, len(data))
        self.end()

    def start(self, number: int) -> None:
        """Start a run."""
        key = f"{self.name}.{number}"
        self.write(f"try run {key}")
        self.run = self.backend.runs.create(self.name, NewRun(status="Running", display_name=key)).id
        self.write(f"ok run {key} {self.run}")

    def log(self, step: int) -> None:
        """Log two metrics in one call (both or none), and a line of text."""
        self.write(f"try metric {self.run} {step}")
        pair = (NewMetric(name="a", value=step, step=step), NewMetric(name="b", value=step, step=step))
        self.backend.metrics.log(self.run, MetricBatch(metrics=pair))
        self.write(f"ok metric {self.run} {step}")
        self.write(f"try line {self.run} {step}")
        self.backend.logs.append(self.run, LogChunk(path="log.txt", offset=step * 8, data=b"line %02d\n" % step))
        self.write(f"ok line {self.run} {step}")

    def upload(self, data: bytes) -> str:
        """Keep a blob, and give it to the run as a file."""
        sha256 = hashlib.sha256(data).hexdigest()
        self.write(f"try blob {sha256}")
        self.backend.blobs.put(data)
        self.write(f"ok blob {sha256}")
        self.write(f"try file {self.run} {sha256}")
        self.backend.files.add(self.run, NewFiles(files=(NewFile(path="outputs/data", sha256=sha256, size=len(data)),)))
        self.write(f"ok file {self.run} {sha256}")
        return sha256

    def register(self, sha256: str, size: int) -> None:
        """Register a tree of the blob as a model, and move an alias to it."""
        tree = self.backend.trees.create(Tree.of([Entry(path="model", sha256=sha256, size=size)])).digest
        self.write(f"try model {self.name} {tree}")
        version = self.backend.models.register(self.name, NewModelVersion(tree=tree, run_id=self.run)).version
        self.write(f"ok model {self.name} {tree} {version}")
        self.write(f"try alias {self.name} {version}")
        self.backend.model_aliases.move(self.name, "champion", MoveAlias(version=version, who="client"))
        self.write(f"ok alias {self.name} {version}")

    def end(self) -> None:
        """End the run."""
        self.write(f"try end {self.run}")
        self.backend.runs.change_status(self.run, StatusChange(status="Completed"))
        self.write(f"ok end {self.run}")


def writer(history: Path) -> Write:
    """Give what adds a line to the history."""
    descriptor = os.open(history, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    return lambda line: (os.write(descriptor, b"\n%b .\n" % line.encode()), None)[1]


def work(root: Path, write: Write, seed: int) -> None:
    """Work until killed."""
    client = Client(open_embedded(root), write, seed)
    write("ready")
    for number in itertools.count():
        client.round(number)


def early(write: Write) -> Write:
    """Promise before it is done: the fault that the checker has to see."""
    return lambda line: write(line.replace("try", "ok", 1) if line.startswith(("try metric", "try blob")) else line)
