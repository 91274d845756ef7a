import hashlib

import pytest

from modelyard.environments.contents import PrivateWheel
from modelyard.environments.errors import PrivateWheelError
from modelyard.environments.wheelhouse import Wheelhouse

NAME = "mine-1.0-py3-none-any.whl"


@pytest.fixture
def source(tmp_path):
    path = tmp_path / NAME
    path.write_bytes(b"a wheel")
    return path


@pytest.fixture
def wheels(tmp_path):
    return Wheelhouse(tmp_path / "wheels")


def test_a_wheel_is_kept_under_its_digest(wheels, source):
    wheel = wheels.add(source)
    assert wheel == PrivateWheel(filename=NAME, sha256=hashlib.sha256(b"a wheel").hexdigest())
    assert wheels.get(wheel).read_bytes() == b"a wheel"
    assert wheels.add(source) == wheel


def test_wheels_are_laid_out_by_their_names(wheels, source, tmp_path):
    (tmp_path / "flat").mkdir()
    wheels.lay_out([wheels.add(source)], tmp_path / "flat")
    assert (tmp_path / "flat" / NAME).read_bytes() == b"a wheel"


def test_a_flipped_byte_is_noticed(wheels, source):
    wheel = wheels.add(source)
    wheels.get(wheel).write_bytes(b"a wheez")
    with pytest.raises(PrivateWheelError, match=f"should be {wheel.sha256}"):
        wheels.get(wheel)


def test_a_wheel_that_is_not_here_is_named(wheels):
    with pytest.raises(PrivateWheelError, match="not on this machine"):
        wheels.get(PrivateWheel(filename=NAME, sha256="0" * 64))


@pytest.mark.parametrize("name", ["mine.whl", "mine-1.0.tar.gz", "mine-x-py3-none-any.whl"])
def test_what_is_not_named_as_a_wheel_is_refused(wheels, tmp_path, name):
    (tmp_path / name).write_bytes(b"")
    with pytest.raises(PrivateWheelError, match="is named NAME-VERSION"):
        wheels.add(tmp_path / name)


def test_a_missing_file_is_named(wheels, tmp_path):
    with pytest.raises(PrivateWheelError, match="cannot be read"):
        wheels.add(tmp_path / NAME)
