"""What answers at ``/score`` has a sample, wherever it is written."""

import pytest

from modelyard_scoring.service.folder import Code, Sample, ServedModel, Service
from modelyard_scoring.service.scored import scored_models

OWN, OF_THE_CODE = Sample(request=1, answer=2), Sample(request=3, answer=4)


def service(model_sample, **code):
    model = ServedModel(name="m", version=1, path="models/m/1", engine="script", files={}, sample=model_sample)
    return Service(format=1, name="s", models=(model,), code=Code(path="code", entry="score.py", **code))


def test_the_sample_of_the_first_model_of_the_code_is_tried():
    assert scored_models(service(OWN, sample=OF_THE_CODE))[0].sample == OWN


def test_the_sample_of_the_code_is_tried_where_the_model_has_none():
    (scored,) = scored_models(service(None, sample=OF_THE_CODE, tolerance={"y": 0.1}))

    assert (scored.sample, scored.tolerance) == (OF_THE_CODE, {"y": 0.1})


@pytest.mark.parametrize("more", [{}, {"application": "score:application"}])
def test_code_without_models_has_its_own_sample(more):
    code = Code(path="code", entry="score.py", sample=OF_THE_CODE, **more)

    (scored,) = scored_models(Service(format=1, name="s", models=(), code=code))

    assert (scored.name, scored.sample) == ("s", OF_THE_CODE)
    assert scored.engine == ("application" if more else "script")
