"""The keys of leases."""

import pytest

from modelyard.errors import InvalidNameError
from modelyard.runner.lease import check_key, lease_key


def test_a_key_holds_the_longest_names() -> None:
    key = lease_key("rollout", "x" * 128)

    assert check_key(key) == key


@pytest.mark.parametrize("key", ["", ":", "digits", "rollout:", ":digits", "a:b:c", "a/b:c", "a:../b", "a:\x00"])
def test_a_key_of_another_form_is_refused(key: str) -> None:
    with pytest.raises(InvalidNameError):
        check_key(key)
