"""Images as they are logged: bytes of a known kind, made from a file, a figure or an array."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

from msgspec import Struct

from modelyard.errors import InvalidValueError

_MAGIC = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF8", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
)
_COLOURS = {1: 0, 2: 4, 3: 2, 4: 6}
"""PNG's number for how a pixel is made, by its channels: grey, grey and alpha, colour, colour and alpha."""


class Picture(Struct, frozen=True, kw_only=True):
    """An image: its bytes, and their media type (such as ``image/png``)."""

    data: bytes
    media_type: str

    def save(self, path: str | Path) -> Path:
        """Write the bytes to a file."""
        Path(path).write_bytes(self.data)
        return Path(path)

    def open(self) -> Any:
        """Open it with Pillow.

        Raises
        ------
        ImportError
            If Pillow is not installed.
        """
        from PIL import Image

        return Image.open(io.BytesIO(self.data))


def picture_of(path: str | Path | None, plot: Any, array: Any) -> Picture:
    """Make a picture of just one of a file, a figure (of Matplotlib, or a Pillow image) and an array.

    Parameters
    ----------
    array
        Of shape (height, width) or (height, width, channels) with 1 to 4 channels; integers are 0 to 255, floats
        0 to 1.

    Raises
    ------
    InvalidValueError
        If none or several are given, or what is given is no image.
    """
    given = [one for one in (path, plot, array) if one is not None]
    if len(given) != 1:
        raise InvalidValueError("image", "give just one of path, plot and array")
    if array is not None:
        return Picture(data=_png(array), media_type="image/png")
    data = Path(path).read_bytes() if path is not None else _drawn(plot)
    return Picture(data=data, media_type=media_type(data))


def media_type(data: bytes) -> str:
    """Tell an image's media type by its first bytes.

    Raises
    ------
    InvalidValueError
        If they are none of PNG, JPEG, GIF, BMP, TIFF, WebP or SVG.
    """
    for magic, name in _MAGIC:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    if b"<svg" in data[:1000]:
        return "image/svg+xml"
    raise InvalidValueError("image", "its first bytes are none of PNG, JPEG, GIF, BMP, TIFF, WebP or SVG")


def _drawn(plot: Any) -> bytes:
    file = io.BytesIO()
    if hasattr(plot, "savefig"):
        plot.savefig(file, format="png")
    elif hasattr(plot, "save"):
        plot.save(file, format="PNG")
    else:
        raise InvalidValueError("plot", f"a {type(plot).__name__} has neither savefig nor save")
    return file.getvalue()


def _png(array: Any) -> bytes:
    """Write an array as PNG (https://www.w3.org/TR/png/), each line unfiltered."""
    import numpy as np

    pixels = np.asarray(array)
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in _COLOURS or 0 in pixels.shape:
        raise InvalidValueError("array", f"an image is (height, width) or (height, width, 1 to 4), not {pixels.shape}")
    if pixels.dtype.kind == "f":
        pixels = np.nan_to_num(pixels).clip(0, 1) * 255 + 0.5
    pixels = pixels.clip(0, 255).astype(np.uint8) if pixels.dtype.kind != "b" else pixels.astype(np.uint8) * 255
    height, width, channels = pixels.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(lines.tobytes())), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(name, data) for name, data in chunks)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
