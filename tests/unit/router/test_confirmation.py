"""What is made of what Envoy says of a document, with an Envoy that only speaks."""

from pathlib import Path

import pytest

from modelyard_deploy.router.confirmation import LISTENER_DOCUMENT, Confirmation
from modelyard_deploy.router.document import document, version
from modelyard_deploy.router.envoy import Envoy
from modelyard_deploy.router.errors import PortTakenError, RouterRejectedError, RouterSilentError
from modelyard_deploy.router.files import Files

CONTENT = document([{"name": "digits"}])
PREFIX = "[2026-11-27 12:00:00.000][1][warning][config] [source/file.cc:12] Filesystem config update rejected: "


class Speaking:
    """Says what it is told to, one after the other, and then the last again."""

    def __init__(self, *said):
        self._said = list(said)

    def numbers(self, *_names):
        return self._said.pop(0) if len(self._said) > 1 else self._said[0]


def _says(**numbers):
    return {f"listener_manager.lds.{name}": str(value) for name, value in numbers.items()}


@pytest.fixture
def confirmation(tmp_path: Path):
    def make(*said, log=""):
        envoy = Envoy(tmp_path)
        envoy.written = lambda: 0
        (tmp_path / "envoy.log").write_text(log)
        return Confirmation(Files(tmp_path), Speaking(*said), envoy)

    return make


def test_a_document_is_in_use_when_its_version_is_and_nothing_warms(confirmation, tmp_path: Path) -> None:
    taken = _says(version_text=version(CONTENT), update_rejected=3)
    warming = {**taken, LISTENER_DOCUMENT.warming: "1"}

    confirmation(_says(update_rejected=3), warming, {**taken, LISTENER_DOCUMENT.warming: "0"}).put(
        LISTENER_DOCUMENT, CONTENT
    )

    assert (tmp_path / LISTENER_DOCUMENT.file).read_bytes() == CONTENT


@pytest.mark.parametrize("how", ["update_rejected", "update_failure"])
def test_a_refusal_has_envoys_own_reason(confirmation, how: str) -> None:
    log = f"{PREFIX}Error adding/updating listener(s) digits: something is wrong\n"

    with pytest.raises(RouterRejectedError, match=r"listeners.*goes on with.*something is wrong"):
        confirmation(_says(), _says(**{how: 1}), log=log).put(LISTENER_DOCUMENT, CONTENT)


def test_a_port_that_is_taken_is_named(confirmation) -> None:
    log = f"{PREFIX}Error adding/updating listener(s) a~digits: cannot bind '127.0.0.1:9000': Address already in use\n"

    with pytest.raises(PortTakenError, match=r"^a\.digits cannot listen at 127\.0\.0\.1:9000: .*$"):
        confirmation(_says(), _says(update_rejected=1), log=log).put(LISTENER_DOCUMENT, CONTENT)


def test_silence_is_an_error_that_names_the_log(confirmation) -> None:
    with pytest.raises(RouterSilentError, match=r"end of requests within 0 s.*envoy\.log"):
        confirmation(_says()).wait(lambda: False, "end of requests", 0)


def test_a_document_that_was_refused_before_is_shown_again(confirmation, tmp_path: Path) -> None:
    file = tmp_path / LISTENER_DOCUMENT.file
    file.parent.mkdir()
    file.write_bytes(CONTENT)
    before = file.stat().st_ino

    confirmation(_says(), _says(version_text=version(CONTENT))).put(LISTENER_DOCUMENT, CONTENT)

    assert file.stat().st_ino != before
