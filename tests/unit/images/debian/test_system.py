import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.images.debian.system import DISTRIBUTION, PACKAGES, DebianPackage, System

packages = st.lists(st.builds(DebianPackage, name=st.text(), version=st.text(), architecture=st.text())).map(tuple)


@given(st.builds(System, distribution=st.text(), packages=packages))
def test_a_system_reads_back_from_its_labels(system):
    assert System.find(system.labels) == system


@pytest.mark.parametrize(
    "labels", [{}, {DISTRIBUTION: "debian-12"}, {PACKAGES: "[]"}, {DISTRIBUTION: "x", PACKAGES: "libc6=1"}]
)
def test_an_image_that_does_not_say_has_none(labels):
    assert System.find(labels) is None
