"""Pictures of digits, and of what a service took them for."""

from __future__ import annotations

from pathlib import Path

import numpy as np


def drawn(image: np.ndarray) -> str:
    """Draw an image with characters, two to a pixel."""
    side = int(len(image) ** 0.5)
    step = max(1, side // 14)
    rows = image.reshape(side, side)[::step, ::step]
    return "\n".join("  " + "".join(" ░▒▓█"[min(4, int(pixel * 5))] * 2 for pixel in row) for row in rows)


def confusion(labels: np.ndarray, answered: np.ndarray) -> np.ndarray:
    """Count what each digit was taken for; rows are what it is."""
    matrix = np.zeros((10, 10), int)
    np.add.at(matrix, (labels, answered), 1)
    return matrix


def written(matrix: np.ndarray) -> str:
    """Write a confusion matrix as text."""
    head = "     " + " ".join(f"{digit:2d}" for digit in range(10))
    rows = [f"  {digit:2d} " + " ".join(f"{n:2d}" if n else " ·" for n in row) for digit, row in enumerate(matrix)]
    return "\n".join([head, *rows])


def paint(matrix: np.ndarray, file: Path) -> None:
    """Paint a confusion matrix as a PNG file."""
    import matplotlib as mpl

    mpl.use("agg")
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(figsize=(5, 5), layout="constrained")
    axes.imshow(matrix, cmap="Blues")
    for (row, column), number in np.ndenumerate(matrix):
        if number:
            axes.text(column, row, str(number), ha="center", va="center", color="white" if number > 1 else "black")
    title = f"{matrix.sum()} digits"
    axes.set(xticks=range(10), yticks=range(10), xlabel="the service says", ylabel="it is", title=title)
    figure.savefig(file, dpi=120)
    plt.close(figure)
