"""Formats of bodies that carry arrays: from bytes to named arrays, and back."""

from __future__ import annotations

from typing import Final

CSV: Final = "text/csv"
NPY: Final = "application/x-npy"
NPZ: Final = "application/x-npz"
ARROW_STREAM: Final = "application/vnd.apache.arrow.stream"
ARROW_FILE: Final = "application/vnd.apache.arrow.file"
