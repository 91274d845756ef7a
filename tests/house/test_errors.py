"""Every error can be imported from one place."""

import importlib
from pathlib import Path

import pytest

from modelyard import errors

PACKAGE = Path(errors.__file__).parent
ROOMS = sorted(".".join(file.parent.relative_to(PACKAGE).parts) for file in PACKAGE.glob("*/**/errors.py"))


@pytest.mark.parametrize("room", ROOMS)
def test_the_errors_of_a_room_can_be_imported_from_modelyard_errors(room: str) -> None:
    module = importlib.import_module(f"modelyard.{room}.errors")
    own = [n for n, c in vars(module).items() if isinstance(c, type) and c.__module__ == module.__name__]

    assert own
    assert all(getattr(errors, name) is getattr(module, name) for name in own)


def test_an_unknown_error_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="NoSuchError"):
        _ = errors.NoSuchError
