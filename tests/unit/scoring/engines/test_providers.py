"""What a service asks to run on is what it runs on."""

from typing import get_args

import pytest

from modelyard_scoring.engines.providers import ACCELERATORS, CPU, check_providers, providers
from modelyard_scoring.errors import AcceleratorError
from modelyard_scoring.service.folder import Accelerator


class Session:
    def __init__(self, *used):
        self.used = list(used)

    def get_providers(self):
        return self.used


def test_every_accelerator_that_service_json_may_name_has_a_provider():
    assert set(get_args(Accelerator)) == set(ACCELERATORS)


@pytest.mark.parametrize("name", ACCELERATORS)
def test_the_provider_of_the_accelerator_comes_first_and_the_cpu_last(name):
    chosen = [one for one, _ in providers(name, [ACCELERATORS[name].provider, CPU])]
    assert (chosen[0], chosen[-1]) == (ACCELERATORS[name].provider, CPU)


def test_tensorrt_leaves_to_cuda_what_it_cannot_do():
    installed = ["TensorrtExecutionProvider", "CUDAExecutionProvider", CPU]
    assert [one for one, _ in providers("tensorrt", installed)] == installed


@pytest.mark.parametrize("name", sorted(set(ACCELERATORS) - {"cpu"}))
def test_a_provider_that_is_not_installed_is_an_error_that_says_what_is_and_what_to_do(name):
    with pytest.raises(AcceleratorError) as caught:
        providers(name, ["AzureExecutionProvider", CPU])
    for said in (repr(name), ACCELERATORS[name].provider, ACCELERATORS[name].package, "AzureExecutionProvider", CPU):
        assert said in str(caught.value)


def test_a_session_that_left_the_provider_aside_is_an_error():
    check_providers("cuda", Session("CUDAExecutionProvider", CPU))
    with pytest.raises(AcceleratorError, match=r"left aside.*CPUExecutionProvider"):
        check_providers("cuda", Session(CPU))
