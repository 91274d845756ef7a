import pytest

from modelyard.images.debian.errors import UnpackagedPythonError
from modelyard.images.debian.release import PRESUMED, RELEASES, release_of


@pytest.mark.parametrize(("python", "codename"), [("3.11", "bookworm"), ("3.13", "trixie")])
def test_a_python_comes_from_the_release_whose_own_it_is(python, codename):
    release = release_of(python)
    assert release.codename == codename
    assert f"python{python}" in release.wanted


@pytest.mark.parametrize("python", ["3.12", "3", "", "3.11\n", "3.11.2"])
def test_a_python_that_no_release_has_is_told_with_those_there_are(python):
    with pytest.raises(UnpackagedPythonError, match=r"Ask for 3\.11 or 3\.13"):
        release_of(python)


def test_nothing_is_both_wanted_and_presumed():
    assert not {name for release in RELEASES.values() for name in release.wanted} & set(PRESUMED)
