"""The kinds of machines that images are for."""

import pytest

from modelyard.images.oci.errors import InvalidDocumentError
from modelyard.images.oci.platforms import Platform


@pytest.mark.parametrize("text", ["linux/amd64", "linux/arm64", "linux/arm64/v8", "linux/arm/v7", "windows/amd64"])
def test_a_platform_is_read_as_it_is_written(text: str) -> None:
    assert str(Platform.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "linux", "linux/", "/amd64", "linux/amd64\n", "Linux/amd64", "a/b/c/d", "linux/$(id)"]
)
def test_what_is_no_platform_is_refused(text: str) -> None:
    with pytest.raises(InvalidDocumentError, match="linux/amd64"):
        Platform.parse(text)


@pytest.mark.parametrize(
    ("machine", "image", "runs"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/arm", "linux/arm/v7", True),
        ("linux/arm/v7", "linux/arm/v6", False),
        ("linux/amd64", "linux/arm64", False),
        ("linux/amd64", "windows/amd64", False),
    ],
)
def test_a_machine_runs_what_is_for_it(machine: str, image: str, runs: bool) -> None:
    assert Platform.parse(machine).runs(Platform.parse(image)) is runs
