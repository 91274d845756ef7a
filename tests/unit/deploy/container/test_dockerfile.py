"""A Dockerfile holds our text and the author's steps, and none of their values."""

import re

from modelyard_deploy.container.dockerfile import dockerfile

INSTRUCTION = re.compile(r"^([A-Z]+) ", re.MULTILINE)


def _instructions(text: str) -> list[str]:
    return INSTRUCTION.findall(text.replace("\\\n", ""))


def test_steps_stand_after_packages_and_before_what_the_server_needs() -> None:
    text = dockerfile(["RUN mine"], ["MODE"], packages=True, authorities=True, built=False)
    places = [text.index(part) for part in ("apt-get install", "RUN mine", "USER 65532", "ENV MODE=${", "PYTHONPATH=")]
    assert places == sorted(places)


def test_what_an_image_does_not_have_is_not_spoken_of() -> None:
    text = dockerfile([], [], packages=False, authorities=False, built=True)
    assert "apt-get" not in text
    assert "SSL_CERT_FILE" not in text
    assert "--only-binary" not in text
    assert _instructions(text).count("FROM") == 2


def test_every_instruction_but_the_steps_is_ours() -> None:
    without = dockerfile([], ["A"], packages=True, authorities=True, built=False)
    with_step = dockerfile(["RUN echo 'FROM x'"], ["A"], packages=True, authorities=True, built=False)
    assert sorted(_instructions(with_step)) == sorted([*_instructions(without), "RUN"])
    assert _instructions(with_step)[-1] == "ENV"
    assert with_step.count("\nUSER ") == 3
