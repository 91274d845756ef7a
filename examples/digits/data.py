"""Handwritten digits: scikit-learn's 1,797 of 8 x 8, or MNIST's 70,000 of 28 x 28 from its four IDX files."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import NamedTuple

import numpy as np

FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


class Digits(NamedTuple):
    """Images as rows of pixels between 0 and 1, and the digits they show."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def load(folder: str | None) -> Digits:
    """Load MNIST from `folder`, or scikit-learn's digits if there is none."""
    return _mnist(Path(folder)) if folder else _digits()


def _digits() -> Digits:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    train, test, train_labels, test_labels = train_test_split(
        images / 16.0, labels, test_size=0.25, random_state=0, stratify=labels
    )
    return Digits(train, train_labels, test, test_labels)


def _mnist(folder: Path, rows: int = 10_000) -> Digits:
    """Load the first `rows` training images, so that training takes seconds, and all test images."""
    train, train_labels, test, test_labels = (_idx(folder, name) for name in FILES)
    return Digits(_pixels(train[:rows]), train_labels[:rows], _pixels(test), test_labels)


def _pixels(images: np.ndarray) -> np.ndarray:
    return images.reshape(len(images), -1) / 255.0


def _idx(folder: Path, name: str) -> np.ndarray:
    """Read an IDX file of bytes, zipped or not: two zeros, the type 8, the rank, the sizes (big-endian), the data."""
    file = next((path for path in (folder / f"{name}.gz", folder / name) if path.is_file()), None)
    if file is None:
        raise SystemExit(f"{folder} holds no {name}.gz. MNIST is four files: {', '.join(FILES)} (.gz).")
    data = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    if data[:3] != b"\0\0\x08":
        raise SystemExit(f"{file} is not an IDX file of bytes.")
    rank = data[3]
    shape = np.frombuffer(data, ">u4", rank, 4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * rank).reshape(shape).astype(np.int64)
