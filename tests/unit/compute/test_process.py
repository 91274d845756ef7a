import pytest

from modelyard.compute.process import meaning


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (0, "succeeded"),
        (1, "status 1"),
        (-9, "memory ran out"),
        (137, "memory ran out"),
        (-11, "SIGSEGV (Segmentation fault)"),
        (143, "SIGTERM"),
        (127, "not found"),
        (126, "cannot be executed"),
        (255, "status 255"),
    ],
)
def test_an_exit_status_is_explained(status: int, said: str) -> None:
    assert said in meaning(status)
