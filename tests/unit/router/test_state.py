"""The confirmed state: keys in it, ports once, and the files that a route names."""

import json
from pathlib import Path

import pytest

from modelyard.services.route import Copies, Replica, Route, Tls, Upstream
from modelyard.settings import Secret
from modelyard_deploy.router.errors import PortTakenError, RouterFileError
from modelyard_deploy.router.state import Entry, State, admit, decode, encode

KEY, OTHER = "a-key-of-the-tests-0123456789", "another-key-of-the-tests-0123456789"


def _route(service: str = "digits", *, port: int = 9000, weight: int = 1, **more) -> Route:
    upstreams = (
        Upstream(revision=1, replicas=(Replica(port=8001),), weight=weight),
        Upstream(revision=2, replicas=(Replica(port=8002),), weight=10),
    )
    return Route(**{"service": service, "port": port, "upstreams": upstreams, **more})


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    file = tmp_path / "keys.json"
    file.touch(0o600)
    file.write_text(json.dumps({"primary": KEY, "secondary": OTHER}))
    return file


def test_a_state_is_the_same_when_it_was_written_and_read() -> None:
    entry = Entry(route=_route(), presented=(Secret(KEY),), asked={2: Secret(OTHER)})

    read = decode(encode(State().with_entry(entry))).services["digits"]

    assert read.route == entry.route
    assert [key.reveal() for key in (*read.presented, read.asked[2])] == [KEY, OTHER]


def test_a_state_does_not_show_its_keys() -> None:
    assert KEY not in repr(State().with_entry(Entry(route=_route(), presented=(Secret(KEY),))))


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_port_has_one_service(host: str) -> None:
    state = State().with_entry(Entry(route=_route()))

    with pytest.raises(PortTakenError, match=f"{host}:9000: the service digits has that port"):
        state.with_entry(Entry(route=_route("iris", host=host)))
    assert state.with_entry(Entry(route=_route("iris", host="127.0.0.2"))).services.keys() == {"digits", "iris"}
    assert state.with_entry(Entry(route=_route(weight=5))).services["digits"].route.upstreams[0].weight == 5


def test_revisions_without_weight_are_asked_for_alone() -> None:
    state = State().with_entry(Entry(route=_route(weight=0)))

    assert [name.split("/")[1] for name in state.timeouts()] == ["1", "2"]
    assert [name.split("/")[1] for name in state.timeouts(asked_for_alone=False)] == ["2"]


def test_nobody_waits_for_who_gets_copies(keys_file: Path) -> None:
    mirror = Copies(percent=1, to=Replica(port=7000), keys=str(keys_file))
    entry = admit(_route(mirror=mirror))
    state = State().with_entry(entry)

    assert entry.copied.reveal() == KEY
    assert len(state.clusters()) == 3
    assert len(state.timeouts()) == 2
    assert decode(encode(state)).services["digits"].copied.reveal() == KEY


def test_the_keys_of_a_file_are_read(keys_file: Path) -> None:
    entry = admit(_route(keys=str(keys_file)))

    assert [key.reveal() for key in entry.presented] == [KEY, OTHER]
    assert "keys.json" in entry.documents()


def test_two_keys_that_are_one_are_one(keys_file: Path) -> None:
    keys_file.write_text(json.dumps({"primary": KEY, "secondary": KEY}))

    assert len(admit(_route(keys=str(keys_file))).presented) == 1


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "it is not JSON"),
        ("{}", "it is not JSON"),
        ('{"primary": "short"}', "16 to 256"),
        ('{"primary": "with a space and more"}', "16 to 256"),
        (f'{{"primary": "{KEY}", "more": 1}}', "it is not JSON"),
    ],
)
def test_a_file_that_holds_no_keys_is_refused_and_not_shown(keys_file: Path, content: str, says: str) -> None:
    keys_file.write_text(content)

    with pytest.raises(RouterFileError, match=says) as caught:
        admit(_route(keys=str(keys_file)))
    assert KEY not in str(caught.value)


def test_keys_that_others_may_read_are_refused(keys_file: Path) -> None:
    keys_file.chmod(0o644)

    with pytest.raises(RouterFileError, match="0600"):
        admit(_route(keys=str(keys_file)))


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(RouterFileError, match=r"none\.json.*No such file"):
        admit(_route(keys=str(tmp_path / "none.json")))
    with pytest.raises(RouterFileError, match=r"cert\.pem.*No such file"):
        admit(_route(tls=Tls(certificate=str(tmp_path / "cert.pem"), key=str(tmp_path / "key.pem"))))


def test_what_is_no_certificate_is_refused(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("none")
    (tmp_path / "key.pem").write_text("none")

    with pytest.raises(RouterFileError, match="cannot be served with"):
        admit(_route(tls=Tls(certificate=str(tmp_path / "cert.pem"), key=str(tmp_path / "key.pem"))))
