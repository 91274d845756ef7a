"""The main job, end to end: train twice, compare, convert with proof, register, deploy, score.

Run it from the checkout with ``make demo``, or as ``python examples/digits/demo.py``; ``--help`` says what it takes.
Everything it makes is in one folder; run it again and it adds two runs, a model version and a revision.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import numpy as np
from data import Digits, load
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from modelyard import Experiment, Model, Run, ScriptRunConfig, Service, Workspace
from modelyard.errors import ModelyardError
from modelyard.sdk.run.comparison import compare

HERE = Path(__file__).parent
NAME = "digits"
ESTIMATORS = ("logistic", "forest")
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
        runs = train(workspace, mnist)
        model = register(runs)
        service = deploy(workspace, model)
        accuracy, picture = score(service, digits, folder)
        summary(workspace, runs, model, service)
    console.print(f"The service was right on {accuracy} images; the picture is {picture}")
    console.print(f"All of it took {time.monotonic() - started:.0f} seconds.")
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
    console.print("Their code and their environments are the same." if not found.code and not found.environment else "")
    return runs


def register(runs: list[Run]) -> Model:
    """Register the better of the two, which its run has converted to ONNX, and show the proof."""
    best = max(runs, key=lambda run: run.get_metrics()["accuracy"])
    heading(f"Registering the better one, {best.tags['estimator']}")
    model = best.register_model(NAME, model_path="outputs/model", tags={"estimator": best.tags["estimator"]})
    model.set_alias("champion", why="the better of two runs")
    console.print("The proof that it answers as the estimator does (modelyard model certificate shows all of it):")
    console.print("  " + str(model.certificate).splitlines()[0])
    for attempt in model.certificate.attempts:
        flips = f" ({attempt.flips} labels flipped)" if attempt.flips else ""
        console.print(f"  recipe {attempt.recipe}: {attempt.result}{flips}")
    return model


def deploy(workspace: Workspace, model: Model) -> Service:
    """Serve it on this machine; a service that is there gets a new revision."""
    heading(f"Deploying {model.id}")
    return Service.deploy(workspace, NAME, models=[model.id], replace=True, say=lambda text: console.print(f"  {text}"))


def score(service: Service, digits: Digits, folder: Path, count: int = 20) -> tuple[str, Path]:
    """Send images to the service, and show what it took them for."""
    heading(f"Scoring {count} images it has not seen")
    labels = digits.test_labels[:count]
    answered = np.array(service.run(digits.test[:count])["label"])
    for image, label, answer in list(zip(digits.test, labels, answered, strict=False))[:2]:
        draw(image)
        console.print(f"  is a {label}; the service says {answer}\n")
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (labels, answered), 1)
    console.print("Confusion matrix (rows: what it is; columns: what the service says)")
    console.print("     " + " ".join(f"{d:2d}" for d in range(10)))
    for digit, row in enumerate(matrix):
        console.print(f"  {digit:2d} " + " ".join(f"{n:2d}" if n else " ·" for n in row))
    picture = folder / "confusion.png"
    paint(matrix, picture)
    return f"{int((answered == labels).sum())} of {count}", picture


def draw(image: np.ndarray) -> None:
    """Draw an image with characters, two to a pixel."""
    side = int(len(image) ** 0.5)
    step = max(1, side // 14)
    for row in image.reshape(side, side)[::step, ::step]:
        console.print("  " + "".join(" ░▒▓█"[min(4, int(pixel * 5))] * 2 for pixel in row))


def paint(matrix: np.ndarray, file: Path) -> None:
    """Paint the confusion matrix as a PNG file."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    axes.imshow(matrix, cmap="Blues")
    for (row, column), number in np.ndenumerate(matrix):
        if number:
            axes.text(column, row, str(number), ha="center", va="center", color="white" if number > 1 else "black")
    axes.set(xticks=range(10), yticks=range(10), xlabel="the service says", ylabel="it is", title="20 digits")
    figure.savefig(file, dpi=120)
    plt.close(figure)


def summary(workspace: Workspace, runs: list[Run], model: Model, service: Service) -> None:
    """Say what was made, and how to look at it."""
    folder = os.path.relpath(Path(workspace.location).parent)
    heading(f"What there is now in the folder {folder}, and how to look at it from there")
    table = Table("what", "name", "look at it with", box=SIMPLE_HEAD, pad_edge=False)
    table.add_row("workspace", workspace.name, "modelyard workspace show")
    for run in runs:
        table.add_row("run", f"{run.id} ({run.get_metrics()['accuracy']:.4f})", f"modelyard run show {run.id}")
    table.add_row("model", f"{model.id} (champion)", f"modelyard model show {model.id}")
    table.add_row("service", service.name, f"modelyard service score {service.name} --sample")
    table.add_row("", service.scoring_uri, f"modelyard service delete {service.name}")
    console.print(table)


def text(value: object) -> str:
    """Write a number with four digits."""
    return f"{value:.4f}" if isinstance(value, float) else str(value)


def heading(text: str) -> None:
    """Print what comes next."""
    console.print(f"\n[bold]{text}[/bold]")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", choices=["digits", "mnist"], default="digits", help="scikit-learn's digits, or MNIST")
    parser.add_argument("--mnist", metavar="FOLDER", default="data/mnist", help="MNIST's four IDX files (%(default)s)")
    parser.add_argument("--folder", default="modelyard-demo", help="where to make the workspace (default: %(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nInterrupted. The workspace works; run the demo again at any time.")
    except ModelyardError as error:
        sys.exit(f"demo: {error}")
