"""The main job, end to end: train twice, compare, convert with proof, register, seal, deploy, roll forward and back.

Run it from the checkout with ``make demo``, or as ``python examples/digits/demo.py``; ``--help`` says what it takes.
Everything it makes is in one folder; run it again and it adds two runs, model versions, and three revisions.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import sys
import time
from itertools import islice
from pathlib import Path
from shutil import which
from typing import Any

import numpy as np
from callers import Callers
from data import Digits, load
from msgspec.structs import replace
from pictures import confusion, drawn, paint, written
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from modelyard import Experiment, Image, Model, Run, ScriptRunConfig, Service, Workspace
from modelyard.errors import ModelyardError
from modelyard.ledger.entry import VerifyQuery
from modelyard.sdk.run.comparison import compare
from modelyard.sdk.service.machine import down
from modelyard.services.errors import DeploymentFailedError
from modelyard.services.policy import Policy

HERE = Path(__file__).parent
NAME = "digits"
ESTIMATORS = ("logistic", "forest")
RATE = 50.0
"""Requests a second while revisions change."""
# Short, for a demo: two seconds a stage, and few answers to judge by. The forest may be slower by design.
CANARY = replace(Policy.canary((25, 50), soak=2.0), samples=100, slower=10.0)
console = Console(highlight=False)


def main() -> int:
    """Do it all, and say what is being done."""
    options = _options()
    started = time.monotonic()
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    mnist = options.mnist if options.data == "mnist" else None
    digits = load(mnist)
    with Workspace.create("demo", path=folder, exist_ok=True) as workspace:
        try:
            runs = train(workspace, mnist)
            first, better = register(runs)
            images = [seal(workspace, first), seal(workspace, better), seal(workspace, better, "words.yml")]
            service = deploy(workspace, images[0])
            with Callers(service, digits.test, RATE) as callers:
                roll_forward(service, images[1], callers)
                roll_into_a_fault(service, images[2], callers)
            told = score(service, digits, folder)
            look_back(service)
        finally:
            if not options.keep:
                end(workspace)
        summary(workspace, runs, better, kept=options.keep)
    line(told)
    line(f"All of it took {time.monotonic() - started:.0f} seconds.")
    return 0


def train(workspace: Workspace, mnist: str | None) -> list[Run]:
    """Train two models as two runs, and compare them."""
    heading("Training two models as two runs")
    experiment = Experiment(workspace, NAME)
    extra = ["--mnist", str(Path(mnist).resolve())] if mnist else []
    runs = []
    for name in ESTIMATORS:
        config = ScriptRunConfig(HERE, script="train.py", arguments=["--estimator", name, *extra])
        runs.append(experiment.submit(config, tags={"estimator": name}))
    try:
        for run in runs:
            run.wait_for_completion(show_output=True)
    except KeyboardInterrupt:
        for run in runs:  # they would go on: a submitted run outlives the shell
            if run.get_status() not in ("Completed", "Failed", "Canceled"):
                run.cancel()
        raise
    heading("Comparing them")
    found = compare(*runs)
    table = Table("", "", *found.runs, box=SIMPLE_HEAD, pad_edge=False)
    kinds = {"argument": found.given, "parameter": found.parameters, "metric": found.metrics, "tag": found.tags}
    for kind, changes in kinds.items():
        for change in changes:
            table.add_row(kind, change.name, text(change.before), text(change.after))
    console.print(table)
    line("Their code and their environments are the same." if not found.code and not found.environment else "")
    return runs


def register(runs: list[Run]) -> tuple[Model, Model]:
    """Register both, the better one last; their runs have converted them to ONNX, with proof."""
    heading("Registering both, the better one as champion")
    models = []
    for run in sorted(runs, key=lambda run: run.get_metrics()["accuracy"]):
        models.append(run.register_model(NAME, model_path="outputs/model", tags={"estimator": run.tags["estimator"]}))
        line(f"  {models[-1].id}, {run.tags['estimator']}: {str(models[-1].certificate).splitlines()[0]}")
    models[-1].set_alias("champion", why="the better of two runs")
    return models[0], models[1]


def seal(workspace: Workspace, model: Model, config: str = "image.yml") -> Image:
    """Seal a model, the script, its environment and its configuration; the script is tried first."""
    heading(f"Sealing {model.id} with the files that service/{config} names")
    image = Image.from_config(workspace, NAME, HERE / "service" / config, [model.id], say=say)
    line(f"  {image.id}, {image.digest}")
    return image


def deploy(workspace: Workspace, image: Image) -> Service:
    """Serve an image on this machine; a service that is there gets a new revision."""
    heading(f"Deploying {image.id}")
    service = Service.deploy(workspace, NAME, image, why="the first that works", say=say)
    line(f"  {service.scoring_uri}")
    return service


def roll_forward(service: Service, image: Image, callers: Callers) -> None:
    """Have a better model take over by a canary, while the service is called."""
    heading(f"Rolling out {image.id}, the better model, by a canary, under {RATE:.0f} requests a second")
    Service.deploy(service.workspace, NAME, image, policy=CANARY, why="a better model", say=say)
    show(callers)


def roll_into_a_fault(service: Service, image: Image, callers: Callers) -> None:
    """Roll out a script that fails for some digits: it is returned by itself."""
    heading(f"Rolling out {image.id}, whose script fails for every eight and nine")
    try:
        Service.deploy(service.workspace, NAME, image, policy=CANARY, why="digits in words", say=say)
    except DeploymentFailedError as error:
        line(f"  Returned. {error}")
    show(callers)


def show(callers: Callers) -> None:
    """Print what the callers got since the last time."""
    for revision, (answered, failed) in callers.counts().items():
        line(f"  callers: revision {revision} answered {answered} requests and failed {failed}")


def score(service: Service, digits: Digits, folder: Path, count: int = 20) -> str:
    """Send images to the service, and show what it took them for."""
    heading(f"Scoring {count} images it has not seen")
    labels = digits.test_labels[:count]
    answered = np.array(service.run(digits.test[:count])["label"])
    line(drawn(digits.test[0]))
    line(f"  is a {labels[0]}; the service says {answered[0]}\n")
    matrix = confusion(labels, answered)
    line("Confusion matrix (rows: what it is; columns: what the service says)")
    line(written(matrix))
    picture = folder / "confusion.png"
    paint(matrix, picture)
    return f"The service was right on {int((answered == labels).sum())} of {count} images; the picture is {picture}"


def look_back(service: Service, entries: int = 12) -> None:
    """Show what happened to the service, and what served when the canary had begun."""
    heading(f"What happened (modelyard service history {NAME})")
    table = Table("at", "action", "revision", "traffic", "by", "why", box=SIMPLE_HEAD, pad_edge=False)
    moment = dt.datetime.now(dt.UTC)
    for entry in islice(service.history(), entries):
        shares = {number: share for number, share in _traffic(entry.facts).items() if share}
        traffic = ", ".join(f"{number}: {share} %" for number, share in shares.items())
        table.add_row(
            f"{entry.at:%H:%M:%S}", entry.action, text(entry.facts.get("revision", "")), traffic, entry.by, entry.why
        )
        if len(shares) > 1:
            moment = entry.at.replace(microsecond=0) + dt.timedelta(seconds=1)
    console.print(table)
    heading(f"What served then (modelyard service at {NAME} {moment:%Y-%m-%dT%H:%M:%SZ})")
    for one in service.at(moment):
        line(f"  {one.share} %  revision {one.revision}  {one.image}  {one.digest}")
    found = service.workspace.backend.ledger.verify(VerifyQuery())
    line(f"The ledger is whole up to entry {found.entries}; keep its head elsewhere: {found.head}")


def _traffic(facts: dict[str, Any]) -> dict[str, int]:
    shares: dict[str, int] = facts.get("to") or facts.get("traffic") or {}
    return shares


def end(workspace: Workspace) -> None:
    """End what runs; all that was made stays."""
    heading("Ending what runs")
    for service in workspace.webservices.values():
        service.stop("the end of the demo")
    down(workspace, 60.0, say)


def summary(workspace: Workspace, runs: list[Run], model: Model, *, kept: bool) -> None:
    """Say what was made, and what to do with it."""
    folder = os.path.relpath(Path(workspace.location).parent)
    heading(f"What there is now in the folder {folder}, and what to type there")
    table = Table("what", "name", "type", box=SIMPLE_HEAD, pad_edge=False)
    table.add_row("workspace", workspace.name, "modelyard workspace show")
    for run in runs:
        table.add_row("run", f"{run.id} ({run.get_metrics()['accuracy']:.4f})", f"modelyard run show {run.id}")
    table.add_row("model", f"{model.id} (champion)", f"modelyard model certificate {model.id}")
    table.add_row("service", NAME, f"modelyard service {'show' if kept else 'start'} {NAME}")
    for rest in (f"score {NAME} --sample", f"rollback {NAME}", f"delete {NAME}"):
        table.add_row("", "", f"modelyard service {rest}")
    console.print(table)
    if not kept:
        line("Nothing of it runs any more; ARGS=--keep has the service go on.")
    if which("modelyard") is None:
        line(f"modelyard is {Path(sys.executable).with_name('modelyard')}")


def say(step: str) -> None:
    """Print what is being done."""
    line(f"  {step}")


def text(value: object) -> str:
    """Write a number with four digits."""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def line(text: str) -> None:
    """Print a line, however long."""
    console.print(text, soft_wrap=True)


def heading(text: str) -> None:
    """Print what comes next."""
    line(f"\n[bold]{text}[/bold]")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["digits", "mnist"], default="digits", help="scikit-learn's digits, or MNIST")
    parser.add_argument("--mnist", metavar="FOLDER", default="data/mnist", help="MNIST's four IDX files (%(default)s)")
    parser.add_argument("--folder", default="modelyard-demo", help="where to make the workspace (default: %(default)s)")
    parser.add_argument("--keep", action="store_true", help="have the service go on running")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. The workspace works; run the demo again at any time.")
    except ModelyardError as error:
        sys.exit(f"demo: {error}")
