"""Images with packages and steps of their own, built by a real engine: what is executed is what was asked for."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from modelyard.sdk.image.image import Image
from modelyard.sdk.workspace import Workspace
from modelyard_deploy.container.build import Builder
from modelyard_deploy.container.engine import Engine
from modelyard_deploy.container.errors import BuildFailedError

HOSTILE = "\"; touch /pwned #' $(touch /pwned) `touch /pwned`\nUSER root\nRUN touch /pwned\n${PATH} \\"


@pytest.fixture
def said() -> list[str]:
    """Keep what a builder says."""
    return []


@pytest.fixture
def build(engine: Any, workspace: Workspace, said: list[str]) -> Iterator[Callable[[Image], Any]]:
    """Give what builds an image, as the engine has it then."""
    with Engine() as opened:
        builder = Builder(opened, workspace.settings.cache, said.append)
        yield lambda image: engine.images.get(builder.build(image.info, image.lock(), image.folder()))


def _run(engine: Any, image: Any, *command: str) -> str:
    return engine.containers.run(image.id, list(command), entrypoint="", remove=True).decode()


def test_packages_and_steps_are_there(build: Callable[[Image], Any], engine: Any, image: Callable[..., Image]) -> None:
    steps = ["ARG GREETING=hello", "RUN echo $GREETING > \\", "  /greeting"]
    built = build(image(system_packages=["tini"], extra_docker_file_steps=steps))

    assert "ii  tini" in _run(engine, built, "dpkg", "-l", "tini")
    assert _run(engine, built, "cat", "/greeting") == "hello\n"
    assert _run(engine, built, "id", "-u") == "65532\n"
    assert "ca-certificates.crt" not in _run(engine, built, "ls", "/opt/modelyard")


def test_an_image_says_of_what_it_is_made(
    build: Callable[[Image], Any], image: Callable[..., Image], said: list[str], workspace: Workspace
) -> None:
    made = image()
    built = build(made)
    labels, config = built.attrs["Config"]["Labels"], built.attrs["Config"]

    assert labels["modelyard.image.spec"] == made.digest
    assert labels["modelyard.image.models"].startswith("factor:1@sha256:")
    assert built.tags == [f"modelyard-image:{made.digest}"]
    assert (config["User"], config["Entrypoint"]) == ("65532:65532", ["python3", "-m", "modelyard_scoring"])
    assert any("Step 1/" in line for line in said)
    (log,) = (workspace.settings.cache / "builds").glob(f"*{made.digest}.log")
    assert "Step 1/" in log.read_text()


def test_values_are_kept_and_never_executed(
    build: Callable[[Image], Any], engine: Any, image: Callable[..., Image]
) -> None:
    variables = {"HOSTILE": HOSTILE, "MODE": "", "PYTHONPATH": "/pwned", "MODELYARD_SCORING_HOST": "x"}
    built = build(image(variables=variables))

    assert _run(engine, built, "python3", "-c", "import os; print(ascii(os.environ['HOSTILE']))") == f"{HOSTILE!a}\n"
    assert "pwned" not in _run(engine, built, "ls", "/")
    assert _run(engine, built, "id", "-u") == "65532\n"
    environment = dict(pair.split("=", 1) for pair in built.attrs["Config"]["Env"])
    assert environment["PYTHONPATH"] == "/opt/modelyard/server:/opt/modelyard/dependencies"
    assert environment["MODELYARD_SCORING_HOST"] == "0.0.0.0"


def test_nothing_of_the_deployers_environment_is_in_an_image(
    build: Callable[[Image], Any], image: Callable[..., Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-2718281")
    built = build(image())

    assert "canary-2718281" not in str(built.attrs)
    assert "canary-2718281" not in str(built.history())


@pytest.mark.parametrize(
    ("asked", "kind", "reason"),
    [
        ({"system_packages": ["nosuch-package"]}, "package", "Unable to locate package nosuch-package"),
        ({"extra_docker_file_steps": ["RUN true", "RUN echo no && exit 7"]}, "step", "RUN echo no && exit 7"),
        ({"extra_docker_file_steps": ["RUN nosuchprogram"]}, "step", "nosuchprogram"),
    ],
)
def test_a_build_that_fails_says_why(
    build: Callable[[Image], Any], engine: Any, image: Callable[..., Image], asked: Any, kind: str, reason: str
) -> None:
    made = image(**asked)
    with pytest.raises(BuildFailedError) as caught:
        build(made)

    assert (caught.value.kind, reason in caught.value.reason) == (kind, True)
    assert Path(caught.value.log).is_file()
    with Engine() as opened:
        assert opened.find_image(f"modelyard-image:{made.digest}") is None


def test_a_network_that_cannot_be_reached_is_said(build: Callable[[Image], Any], image: Callable[..., Image]) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        step = f"RUN python3 -c \"import urllib.request as u; u.urlopen('http://127.0.0.1:{closed.getsockname()[1]}')\""
        with pytest.raises(BuildFailedError, match="Connection refused") as caught:
            build(image(extra_docker_file_steps=[step]))
    assert caught.value.kind == "network"
