import socket
from contextlib import closing
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from msgspec import structs
from tests.wheels import make_wheel

from modelyard.environments.errors import (
    IndexUnreachableError,
    LocalPackageError,
    MissingOfflineError,
    NoWheelError,
    PrivateWheelError,
    ResolveError,
    ResolveTimeoutError,
    UnknownPackageError,
    WrongPythonError,
)
from modelyard.environments.lock import Lock, LockedPackage
from modelyard.environments.recording import lock_running
from modelyard.environments.resolver import Resolver
from modelyard.environments.specification import EnvironmentSpec
from modelyard.environments.uv_program import Uv
from modelyard.environments.wheelhouse import Wheelhouse

create = EnvironmentSpec.create


@pytest.fixture
def index_answering():
    """Serve an index that answers every request with one status."""
    servers = []

    def _serve(status):
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.send_response(status)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/simple"

    yield _serve
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_lock_holds_every_package_with_hashes_and_no_address():
    lock = Resolver().lock(create(["pytest==8.3.4"], python="3.11"), platform="x86_64-manylinux_2_28")
    assert {"pytest", "iniconfig", "pluggy", "packaging"} <= {p.name for p in lock.packages}
    assert all(p.hashes and p.version for p in lock.packages)
    assert b"://" not in lock.to_json()
    assert lock.package("colorama") is None, "it is for Windows only"


def test_the_same_question_gives_the_same_lock():
    moment = datetime(2025, 1, 1, tzinfo=UTC)
    locks = [Resolver().lock(create(texts), exclude_newer=moment) for texts in (["six", "flask"], ["Flask", "six"])]
    assert locks[0].digest == locks[1].digest
    assert locks[0].package("six").version == "1.17.0"
    assert locks[0].exclude_newer == "2025-01-01T00:00:00Z"


def test_settings_of_uv_in_the_environment_do_not_change_a_lock(monkeypatch, tmp_path):
    before = Resolver().lock(create(["flask<3.1"]))
    (tmp_path / "pyproject.toml").write_text("[tool.uv.pip]\nresolution = 'lowest'\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("UV_RESOLUTION", "lowest")
    monkeypatch.setenv("UV_EXCLUDE_NEWER", "2020-01-01")
    assert Resolver().lock(create(["flask<3.1"])) == before


def test_somebody_is_told_that_it_resolves():
    told = []
    Resolver(progress=told.append).lock(create(["six"], python="3.11"), platform="x86_64-manylinux_2_28")
    assert told == ["Resolving 1 requirements for Python 3.11 on x86_64-manylinux_2_28"]


def test_each_platform_has_its_own_lock():
    spec = create(["tqdm==4.67.1"])
    linux, windows = (Resolver().lock(spec, platform=p) for p in ("aarch64-manylinux_2_28", "x86_64-pc-windows-msvc"))
    assert linux.package("colorama") is None
    assert windows.package("colorama") is not None
    assert linux.digest != windows.digest


def test_constraints_bound_what_is_not_asked_for():
    lock = Resolver().lock(create(["flask==3.0.3"], constraints=["werkzeug<3.1", "six<1"]))
    assert lock.package("werkzeug").version.startswith("3.0.")
    assert lock.package("six") is None


def test_a_conflict_prints_its_chain_and_what_to_change():
    with pytest.raises(ResolveError) as raised:
        Resolver().lock(create(["flask==3.0.0", "werkzeug<2", "six"]))
    assert type(raised.value) is ResolveError
    assert "Because flask==3.0.0 depends on werkzeug>=3.0.0" in str(raised.value)
    assert "Relax one of: flask==3.0.0, werkzeug<2." in str(raised.value)


@pytest.mark.parametrize("text", ["modelyard-has-no-such-package", "six==99"])
def test_an_unknown_package_or_version_is_told(text):
    with pytest.raises(UnknownPackageError, match=r"six|no-such"):
        Resolver().lock(create([text]))


def test_wheels_for_another_python_are_told_with_the_versions_that_have_them():
    with pytest.raises(WrongPythonError, match=r"has wheels for Python 3\.11, 3\.12.*not for 3\.10"):
        Resolver().lock(create(["numpy==2.4.0"], python="3.10"), platform="x86_64-manylinux_2_28")


def test_a_package_without_wheels_is_told():
    with pytest.raises(NoWheelError, match="allow source builds"):
        Resolver().lock(create(["docopt==0.6.2"]))


def test_a_package_without_wheels_is_locked_when_source_builds_are_allowed():
    spec = structs.replace(create(["docopt==0.6.2"]), allow_source_builds=True)
    assert Resolver().lock(spec).package("docopt").hashes


def test_wheels_for_another_platform_are_told_with_one_that_has_them():
    with pytest.raises(NoWheelError, match="x86_64-manylinux_2_"):
        Resolver().lock(create(["numpy==2.4.0"], python="3.11"), platform="x86_64-manylinux_2_17")


def test_an_index_that_is_not_there_is_told(monkeypatch):
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        address = f"http://127.0.0.1:{taken.getsockname()[1]}/simple"
    with pytest.raises(IndexUnreachableError, match="check the network"):
        Resolver(uv=Uv(index=address)).lock(create(["six"]))


@pytest.mark.parametrize("status", [401, 403])
def test_an_index_that_refuses_is_told(index_answering, status, tmp_path):
    with pytest.raises(IndexUnreachableError, match="give it credentials"):
        Resolver(uv=Uv(index=index_answering(status), cache=tmp_path)).lock(create(["six"]))


def test_an_index_that_fails_is_told(index_answering, monkeypatch, tmp_path):
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    with pytest.raises(IndexUnreachableError, match="500"):
        Resolver(uv=Uv(index=index_answering(500), cache=tmp_path)).lock(create(["six"]))


def test_offline_with_an_empty_cache_names_everything_that_is_missing(tmp_path):
    with pytest.raises(MissingOfflineError) as raised:
        Resolver(uv=Uv(offline=True, cache=tmp_path)).lock(create(["six", "iniconfig>=2"]))
    assert sorted(raised.value.packages) == ["iniconfig", "six"]


def test_offline_with_a_filled_cache_gives_the_same_lock(tmp_path):
    spec = create(["six", "iniconfig"])
    online = Resolver(uv=Uv(cache=tmp_path)).lock(spec)
    assert Resolver(uv=Uv(offline=True, cache=tmp_path)).lock(spec) == online


def test_the_time_budget_is_kept(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        with pytest.raises(ResolveTimeoutError, match=r"within 0\.5 s"):
            Resolver(uv=Uv(index=address, cache=tmp_path), timeout=0.5).lock(create(["six"]))


def test_a_private_wheel_is_locked_with_what_it_requires(tmp_path):
    wheel = Wheelhouse(tmp_path / "wheels").add(make_wheel(tmp_path, "yardprivate", "1.0", ["six==1.17.0"]))
    lock = Resolver(wheelhouse=tmp_path / "wheels").lock(create(wheels=[wheel]))
    assert lock.package("yardprivate").hashes == (f"sha256:{wheel.sha256}",)
    assert lock.package("six").version == "1.17.0"
    assert str(tmp_path).encode() not in lock.to_json()


def test_a_private_wheel_wins_over_a_package_of_its_name_in_the_index(tmp_path):
    wheel = Wheelhouse(tmp_path / "wheels").add(make_wheel(tmp_path, "six", "1.17.0"))
    lock = Resolver(wheelhouse=tmp_path / "wheels").lock(create(["six"], wheels=[wheel]))
    assert lock.package("six").hashes == (f"sha256:{wheel.sha256}",)


def test_a_private_wheel_that_is_not_at_hand_is_named(tmp_path):
    wheel = Wheelhouse(tmp_path / "wheels").add(make_wheel(tmp_path, "yardprivate", "1.0"))
    with pytest.raises(PrivateWheelError, match="yardprivate"):
        Resolver(wheelhouse=tmp_path / "empty").lock(create(wheels=[wheel]))


def test_a_recorded_lock_gets_hashes_for_exactly_its_versions():
    recorded = lock_running(["pytest"])
    resolved = Resolver().resolve_recorded(recorded)
    assert [(p.name, p.version) for p in resolved.packages] == [(p.name, p.version) for p in recorded.packages]
    assert all(p.hashes for p in resolved.packages)
    assert Resolver().resolve_recorded(resolved) is resolved


def test_local_packages_of_a_recorded_lock_are_named_or_left_out():
    mine = LockedPackage(name="mine", version="0.1", local="file:///home/me/mine")
    six = LockedPackage(name="six", version="1.17.0")
    recorded = Lock(kind="recorded", platform="x86_64-manylinux_2_28", python="3.11", packages=(mine, six))
    with pytest.raises(LocalPackageError, match=r"mine \(file:///home/me/mine\)"):
        Resolver().resolve_recorded(recorded)
    assert [p.name for p in Resolver().resolve_recorded(recorded, leave_out=["mine"]).packages] == ["six"]


def test_a_local_package_of_a_recorded_lock_comes_from_its_private_wheel(tmp_path):
    wheel = Wheelhouse(tmp_path / "wheels").add(make_wheel(tmp_path, "yardprivate", "1.0"))
    local = LockedPackage(name="yardprivate", version="1.0", local="file:///home/me/yardprivate")
    recorded = Lock(
        kind="recorded", platform="x86_64-manylinux_2_28", python="3.11", packages=(local,), wheels=(wheel,)
    )
    resolved = Resolver(wheelhouse=tmp_path / "wheels").resolve_recorded(recorded)
    assert resolved.packages[0].hashes == (f"sha256:{wheel.sha256}",)
