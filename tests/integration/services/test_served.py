"""Services of a workspace that a server serves, deployed from elsewhere by HTTP."""

import os
import platform
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.integration.server_process import ServerProcess
from tests.integration.services.clients import wait_until
from tests.integration.services.ending import end_all, runner_of
from tests.integration.services.scripts import register_nothing, script

from modelyard.errors import WaitTimeoutError
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace
from modelyard.services.errors import NotHereError
from modelyard.settings import Settings


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with Workspace.create("served", path=tmp_path) as workspace:
        register_nothing(workspace)
        yield Path(workspace.location)
        end_all(workspace)


def _connected(server: ServerProcess, token: str | None, home: Path) -> Workspace:
    elsewhere = Settings.read({**os.environ, "MODELYARD_HOME": str(home / "elsewhere")})
    return Workspace.connect(server.url, str(token or server.token), settings=elsewhere)


def test_what_is_deployed_from_elsewhere_runs_where_the_server_is(folder: Path, tmp_path: Path) -> None:
    with ServerProcess(folder) as server, _connected(server, None, tmp_path) as remote:
        token = server.token
        service = Service.deploy(remote, "far", script(remote, tmp_path), replicas=2)

        assert (service.info.standing.machine, service.state) == (platform.node(), "running")
        for asked in (service.get_keys, lambda: service.run([[1]]), lambda: service.regenerate_key("primary")):
            with pytest.raises(NotHereError, match=f"only on the machine {platform.node()}, where it runs"):
                asked()
        with Workspace.open(folder) as there:
            assert Service(there, "far").run([[1, 2]]) == {"y": [[1, 2]]}

    with Workspace.open(folder) as there:  # the server has ended, and its runner with it
        assert (runner_of(there), Service(there, "far").state) == (None, "unattended")
        assert Service(there, "far").run([[1, 2]]) == {"y": [[1, 2]]}
    with ServerProcess(folder) as server, _connected(server, token, tmp_path) as remote:
        Service(remote, "far").delete()
        assert Service.list(remote) == []


def test_a_server_may_leave_the_work_to_runners_elsewhere(folder: Path, tmp_path: Path) -> None:
    lines = list[str]()
    with ServerProcess(folder, "--no-runner") as server, _connected(server, None, tmp_path) as remote:
        Service.deploy(remote, "far", script(remote, tmp_path), wait=False)
        with pytest.raises(WaitTimeoutError):
            Service(remote, "far").wait(timeout=15, say=lines.append)

    assert "start one with: modelyard runner run --workspace http://" in lines[-1]


def test_the_runner_of_a_killed_server_is_found_by_the_next(folder: Path, tmp_path: Path) -> None:
    server = ServerProcess(folder)
    with Workspace.open(folder) as there, _connected(server, None, tmp_path) as remote:
        Service.deploy(remote, "far", script(remote, tmp_path))
        first = runner_of(there)
        server.kill()
        with ServerProcess(folder) as following:
            assert httpx.get(f"{following.url}/live").status_code == 200
            assert runner_of(there) == first
        wait_until(lambda: runner_of(there) is None)
        assert httpx.get(f"{Service(there, 'far').url}/ready").status_code == 200
