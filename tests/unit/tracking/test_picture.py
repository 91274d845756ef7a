import io
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from modelyard.errors import InvalidValueError
from modelyard.tracking.picture import media_type, picture_of

shapes = st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 4))


@given(arrays.arrays(np.uint8, shapes))
def test_an_array_is_a_png_of_the_same_pixels(pixels: np.ndarray) -> None:
    picture = picture_of(None, None, pixels)
    assert picture.media_type == "image/png"
    assert np.array_equal(np.asarray(picture.open()).reshape(pixels.shape), pixels)


def test_floats_are_shares_of_white_and_booleans_are_black_or_white() -> None:
    floats = picture_of(None, None, np.array([[0.0, 0.5, 1.0, 2.0, -1.0, np.nan]])).open()
    assert np.asarray(floats).tolist() == [[0, 128, 255, 255, 0, 0]]
    assert np.asarray(picture_of(None, None, [[True, False]]).open()).tolist() == [[255, 0]]


@pytest.mark.parametrize("array", [np.zeros(3), np.zeros((2, 2, 5)), np.zeros((0, 2)), np.zeros((1, 1, 1, 1))])
def test_an_array_of_another_shape_is_refused(array: np.ndarray) -> None:
    with pytest.raises(InvalidValueError, match="height, width"):
        picture_of(None, None, array)


@pytest.mark.parametrize("form", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_a_file_is_told_by_its_first_bytes(tmp_path: Path, form: str) -> None:
    file = tmp_path / "picture.anything"
    Image.new("RGB", (2, 3)).save(file, form)
    picture = picture_of(file, None, None)
    assert picture.media_type == f"image/{form.lower()}"
    assert picture.data == file.read_bytes() == picture.save(tmp_path / "again").read_bytes()


def test_a_figure_draws_itself() -> None:
    class Figure:
        def savefig(self, file: io.BytesIO, format: str) -> None:  # noqa: A002 - as Matplotlib has it
            Image.new("L", (2, 2)).save(file, format)

    assert picture_of(None, Figure(), None).open().size == (2, 2)
    assert picture_of(None, Image.new("L", (3, 1)), None).open().size == (3, 1)


def test_just_one_source_is_taken(tmp_path: Path) -> None:
    for given_ in ((None, None, None), (tmp_path, None, [[1]])):
        with pytest.raises(InvalidValueError, match="just one"):
            picture_of(*given_)
    with pytest.raises(InvalidValueError, match="savefig"):
        picture_of(None, object(), None)


def test_svg_is_an_image_and_text_is_none() -> None:
    assert media_type(b"<?xml version='1.0'?><svg></svg>") == "image/svg+xml"
    with pytest.raises(InvalidValueError):
        media_type(b"text")
