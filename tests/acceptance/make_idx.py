"""Write scikit-learn's digits as MNIST's four IDX files: ``make_idx.py FOLDER``."""

import gzip
import struct
import sys
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits


def main(folder: Path) -> None:
    folder.mkdir(parents=True)
    images, labels = load_digits(return_X_y=True)
    pixels = (images / 16 * 255).astype(np.uint8).reshape(-1, 8, 8)
    for name, part in (("train", slice(0, 1400)), ("t10k", slice(1400, None))):
        _write(folder / f"{name}-images-idx3-ubyte.gz", pixels[part])
        _write(folder / f"{name}-labels-idx1-ubyte.gz", labels[part].astype(np.uint8))


def _write(file: Path, array: np.ndarray) -> None:
    header = b"\0\0\x08" + bytes([array.ndim]) + struct.pack(f">{array.ndim}I", *array.shape)
    file.write_bytes(gzip.compress(header + array.tobytes()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
