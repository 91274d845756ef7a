import os
import random
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec import structs
from tests.integration.scoring.crowd import FULL
from tests.wheels import make_wheel

from modelyard.environments.cache import EnvironmentCache
from modelyard.environments.errors import (
    CacheUnusableError,
    EnvironmentBusyError,
    ForeignPlatformError,
    InstallError,
    InterpreterNotFoundError,
    UnresolvedLockError,
)
from modelyard.environments.folder_lock import held
from modelyard.environments.lock import Lock, LockedPackage
from modelyard.environments.recording import lock_running
from modelyard.environments.resolver import Resolver
from modelyard.environments.specification import EnvironmentSpec
from modelyard.environments.uv_program import Uv
from modelyard.environments.wheelhouse import Wheelhouse

REALISE = """
import sys
from pathlib import Path
from modelyard.environments.cache import EnvironmentCache
from modelyard.environments.lock import Lock
lock = Lock.from_json(Path(sys.argv[2]).read_bytes())
print(EnvironmentCache(Path(sys.argv[1])).realise(lock, progress=lambda text: print(text, flush=True)))
"""


@pytest.fixture
def cache(tmp_path):
    return EnvironmentCache(tmp_path / "cache")


@pytest.fixture
def start(tmp_path, small_lock):
    """Start processes that realise the small lock in one cache."""
    (tmp_path / "lock.json").write_bytes(small_lock.to_json())
    started = []

    def _start():
        argv = [sys.executable, "-c", REALISE, str(tmp_path / "cache"), str(tmp_path / "lock.json")]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        started.append(process)
        return process

    yield _start
    for process in started:
        process.kill()
        process.communicate()


def python(environment, code):
    argv = [environment / "bin" / "python", "-c", code]
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stdout.strip()


def works(environment):
    return python(environment, "import six, iniconfig; print(six.__version__)") == "1.17.0"


def test_an_environment_holds_exactly_its_lock(cache, small_lock):
    told = []
    environment = cache.realise(small_lock, progress=told.append)
    listed = "from importlib.metadata import distributions as d; print(sorted((x.name, x.version) for x in d()))"
    assert python(environment, listed) == "[('iniconfig', '2.1.0'), ('six', '1.17.0')]"
    assert told == ["Making a virtual environment with Python 3.11", "Installing 2 packages"]


def test_modules_are_compiled_and_know_where_they_are(cache, small_lock):
    environment = cache.realise(small_lock)
    seen = python(
        environment, "import six, os; print(os.path.exists(six.__cached__), six.add_move.__code__.co_filename)"
    )
    assert seen.startswith("True ")
    assert seen.endswith(str(environment / "lib/python3.11/site-packages/six.py"))


def test_commands_of_packages_run_where_the_environment_is(cache):
    environment = cache.realise(Resolver().lock(EnvironmentSpec.create(["pytest==8.3.4"])))
    argv = [environment / "bin" / "pytest", "--version"]
    assert b"pytest 8.3.4" in subprocess.check_output(argv, cwd=environment, timeout=60)


def test_a_second_request_makes_nothing(cache, small_lock):
    told = []
    assert cache.find(small_lock) is None
    first = cache.realise(small_lock)
    assert cache.realise(small_lock, progress=told.append) == first == cache.find(small_lock)
    assert told == []


def test_eight_processes_make_one_environment(start, tmp_path, small_lock):
    processes = [start() for _ in range(8)]
    outputs = [process.communicate(timeout=120)[0].splitlines() for process in processes]
    assert [process.returncode for process in processes] == [0] * 8
    assert sum("Installing 2 packages" in lines for lines in outputs) == 1
    assert {lines[-1] for lines in outputs} == {str(tmp_path / "cache" / small_lock.digest)}
    assert works(tmp_path / "cache" / small_lock.digest)


def test_eight_threads_make_one_environment(cache, small_lock):
    told = []
    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(lambda _: cache.realise(small_lock, progress=told.append), range(8)))
    assert len(paths) == 1
    assert told.count("Installing 2 packages") == 1


@pytest.mark.parametrize("sample", range(24 if FULL else 8))
def test_a_build_killed_half_way_is_never_used(start, tmp_path, small_lock, sample):
    process = start()
    process.stdout.readline()
    time.sleep(random.Random(sample).uniform(0, 0.4))
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    whole = tmp_path / "cache" / small_lock.digest
    assert not whole.exists() or works(whole)
    assert works(EnvironmentCache(tmp_path / "cache").realise(small_lock))


def test_a_killed_build_leaves_no_process_and_its_remains_go_with_the_next(start, tmp_path, small_lock):
    process = start()
    process.stdout.readline()
    process.send_signal(signal.SIGKILL)
    process.wait(timeout=60)
    building = tmp_path / "cache" / ".building"
    (building / f"{small_lock.digest}-killed").mkdir(exist_ok=True)
    EnvironmentCache(tmp_path / "cache").realise(small_lock)
    assert list(building.iterdir()) == []
    deadline = time.monotonic() + 60
    while still := [line for line in _commands() if str(tmp_path) in line]:
        assert time.monotonic() < deadline, still
        time.sleep(0.05)


WRITING = """
import pathlib, sys, time
begun = time.monotonic()
while time.monotonic() < begun + 0.5:
    for number in range(50):
        folder = pathlib.Path(sys.argv[1], f"environment-{number}")
        folder.mkdir(exist_ok=True)
        (folder / "file").touch()
"""


def test_remains_go_with_the_next_build_also_while_they_are_written_to(tmp_path, small_lock):
    remains = tmp_path / "cache" / ".building" / f"{small_lock.digest}-killed"
    remains.mkdir(parents=True)
    with subprocess.Popen([sys.executable, "-c", WRITING, str(remains)], stderr=subprocess.DEVNULL):
        while not any(remains.iterdir()):
            time.sleep(0.001)
        EnvironmentCache(tmp_path / "cache").realise(small_lock)

    assert list(remains.parent.iterdir()) == []


def test_an_interrupted_build_leaves_nothing(start, tmp_path):
    process = start()
    assert process.stdout.readline().startswith("Making")
    process.send_signal(signal.SIGINT)
    process.wait(timeout=60)
    assert process.returncode != 0
    assert list((tmp_path / "cache" / ".building").iterdir()) == []


def _commands():
    for process in Path("/proc").glob("[0-9]*"):
        try:
            yield (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue


def test_another_file_than_the_locked_one_is_refused_and_nothing_left(cache, small_lock, tmp_path):
    wrong = LockedPackage(name="six", version="1.17.0", hashes=(f"sha256:{'0' * 64}",))
    lock = structs.replace(small_lock, packages=(wrong,))
    with pytest.raises(InstallError, match="serves another file") as raised:
        EnvironmentCache(tmp_path / "cache", uv=Uv(cache=tmp_path / "uv")).realise(lock)
    assert "0000000000" in raised.value.explanation
    assert cache.list() == ()
    assert list((tmp_path / "cache" / ".building").iterdir()) == []


def test_a_version_that_the_index_no_longer_has_is_told(cache, small_lock):
    gone = LockedPackage(name="six", version="99.0", hashes=(f"sha256:{'0' * 64}",))
    with pytest.raises(InstallError, match="no longer has it"):
        cache.realise(structs.replace(small_lock, packages=(gone,)))


def test_the_time_for_installing_is_bounded(tmp_path, small_lock):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        uv = Uv(index=f"http://127.0.0.1:{silent.getsockname()[1]}/simple", cache=tmp_path / "uv")
        with pytest.raises(InstallError, match=r"more than 1 s"):
            EnvironmentCache(tmp_path / "cache", uv=uv).realise(small_lock, timeout=1)


def test_offline_names_what_the_cache_lacks(tmp_path, small_lock):
    uv = Uv(offline=True, cache=tmp_path / "uv")
    with pytest.raises(InstallError, match=r"(?s)not found in the cache.*install once with the network"):
        EnvironmentCache(tmp_path / "cache", uv=uv).realise(small_lock)


def test_offline_with_a_filled_cache_installs(tmp_path, small_lock):
    EnvironmentCache(tmp_path / "one", uv=Uv(cache=tmp_path / "uv")).realise(small_lock)
    offline = EnvironmentCache(tmp_path / "other", uv=Uv(offline=True, cache=tmp_path / "uv"))
    assert works(offline.realise(small_lock))


def test_a_private_wheel_is_installed(tmp_path):
    wheel = Wheelhouse(tmp_path / "wheels").add(make_wheel(tmp_path, "yardprivate", "1.5"))
    lock = Resolver(wheelhouse=tmp_path / "wheels").lock(EnvironmentSpec.create(wheels=[wheel]))
    environment = EnvironmentCache(tmp_path / "cache", wheelhouse=tmp_path / "wheels").realise(lock)
    assert python(environment, "import yardprivate; print(yardprivate.ANSWER)") == "1.5"


def test_an_environment_without_packages_is_made(cache):
    lock = Resolver().lock(EnvironmentSpec.create())
    assert python(cache.realise(lock), "print(1)") == "1"


def test_a_recorded_lock_is_not_installed_from(cache):
    with pytest.raises(UnresolvedLockError, match="resolve_recorded"):
        cache.realise(lock_running())


def test_a_recorded_lock_is_installed_once_it_is_resolved(cache):
    lock = Resolver().resolve_recorded(lock_running(["iniconfig"]))
    assert python(cache.realise(lock), "import iniconfig; print(1)") == "1"


def test_a_python_that_is_not_here_is_told_with_those_that_are(cache):
    lock = Lock(kind="resolved", platform="x86_64-manylinux_2_28", python="3.7", packages=())
    with pytest.raises(InterpreterNotFoundError, match=r"no working Python 3\.7. Found: 3\.11"):
        cache.realise(lock)


def test_a_lock_for_another_machine_is_refused(cache, small_lock):
    with pytest.raises(ForeignPlatformError, match="Lock the specification for"):
        cache.realise(structs.replace(small_lock, platform="aarch64-apple-darwin"))


def test_an_environment_whose_interpreter_has_gone_is_made_again(cache, small_lock):
    environment = cache.realise(small_lock)
    (environment / "bin" / "python").unlink()
    assert cache.find(small_lock) is None
    assert works(cache.realise(small_lock))


def test_waiting_for_another_build_is_bounded(cache, small_lock, tmp_path):
    building = held(tmp_path / "cache" / ".locks" / small_lock.digest, shared=False, timeout=1)
    with building, pytest.raises(EnvironmentBusyError, match=r"more than 0\.2 s"):
        cache.realise(small_lock, timeout=0.2)


def test_a_folder_that_cannot_be_written_is_told(tmp_path, small_lock):
    (tmp_path / "file").write_text("")
    with pytest.raises(CacheUnusableError, match="MODELYARD_CACHE"):
        EnvironmentCache(tmp_path / "file").realise(small_lock)


def test_environments_are_listed_with_their_last_use(cache, small_lock):
    path = cache.realise(small_lock)
    os.utime(path / "modelyard-lock.json", (1000, 1000))
    (one,) = cache.list()
    assert (one.digest, one.path, one.python, one.packages, one.last_used) == (small_lock.digest, path, "3.11", 2, 1000)
    assert one.size > 10_000
    cache.realise(small_lock)
    assert cache.list()[0].last_used > 1000


def test_prune_removes_what_nobody_asked_for(cache, small_lock):
    old, new = cache.realise(small_lock), cache.realise(Resolver().lock(EnvironmentSpec.create()))
    os.utime(old / "modelyard-lock.json", (1000, 1000))
    assert [one.path for one in cache.prune(unused_for=3600, dry_run=True)] == [old]
    assert old.exists()
    assert [one.path for one in cache.prune(unused_for=3600)] == [old]
    assert not old.exists()
    assert new.exists()


def test_prune_keeps_what_a_process_runs_from(cache, small_lock):
    environment = cache.realise(small_lock)
    argv = [environment / "bin" / "python", "-c", "input('up\\n')"]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout.readline() == b"up\n"
        assert cache.list()[0].in_use
        assert cache.prune(unused_for=0) == ()
        process.communicate(b"\n", timeout=60)
    assert [one.path for one in cache.prune(unused_for=0)] == [environment]


def test_prune_keeps_what_is_being_made(cache, small_lock, tmp_path):
    building = tmp_path / "cache" / ".building" / f"{small_lock.digest}-now"
    building.mkdir(parents=True)
    with held(tmp_path / "cache" / ".locks" / small_lock.digest, shared=False, timeout=1):
        cache.prune(unused_for=0)
        assert building.exists()
    cache.prune(unused_for=0)
    assert not building.exists()
