"""What code touches while it is checked, in real processes."""

import json
import os
import subprocess
import sys

import pytest

SAMPLE = {"request": {"x": 1}, "answer": {"y": 2}}
RUN = 'def run(data):\n    return {"y": 2}\n'


@pytest.fixture
def check(tmp_path, folders):
    """Check code, and give the exit status, what it touched, and why it failed."""

    def run(source, *, application=False, sample=SAMPLE, environ=None):
        folder = folders.write({}, code=source)
        code = {"path": "code", "entry": "score.py", "sample": sample}
        if application:
            code["application"] = "score:application"
        service = {"format": 1, "name": "tried", "models": [], "code": code}
        (folder / "service.json").write_text(json.dumps(service))
        files = [tmp_path / "touched.json", tmp_path / "failure.json"]
        command = [sys.executable, "-m", "modelyard_scoring", folder, "--check"]
        command += ["--touched-file", files[0], "--failure-file", files[1]]
        done = subprocess.run(
            list(map(str, command)),
            capture_output=True,
            timeout=60,
            check=False,
            env={**os.environ, **(environ or {})},
            cwd=tmp_path,
        )
        read = [json.loads(file.read_bytes()) if file.exists() else {} for file in files]
        return done.returncode, *read

    return run


def distributions(touched):
    return {one["distribution"]: one for one in touched["imported"]}


def test_all_kinds_of_things_are_told(check, tmp_path):
    (tmp_path / "data.txt").touch()
    source = f"""
import ctypes, os, socket, subprocess, yaml
def init():
    open({str(tmp_path / "data.txt")!r}).close()
    open({str(tmp_path / "new.txt")!r}, "w").close()
    os.listdir({str(tmp_path)!r})
    with socket.socket() as client:
        client.bind(("127.0.0.1", 0))
        try:
            client.connect(("127.0.0.1", 1))
        except OSError:
            pass
    subprocess.run(["true"])
    ctypes.CDLL("libc.so.6")
{RUN}"""

    status, touched, failure = check(source)

    assert (status, failure) == (0, {})
    assert str(tmp_path / "data.txt") in touched["read"]
    assert touched["written"] == [str(tmp_path / "new.txt")]
    assert touched["listed"] == [str(tmp_path)]
    assert (touched["bound"], touched["connected"]) == (["127.0.0.1:0"], ["127.0.0.1:1"])
    assert touched["program"] == ["true"]
    assert "libc.so.6" in touched["library"]
    assert distributions(touched)["PyYAML"]["by"].endswith("code/score.py")
    assert touched["left_out"] == {}


def test_what_run_touches_is_told_and_its_answer_compared(check, tmp_path):
    source = f'import os\ndef run(data):\n    os.mkdir({str(tmp_path / "made")!r})\n    return {{"y": 3}}\n'

    status, touched, failure = check(source)

    assert (status, failure["phase"], failure["type"]) == (3, "warm-up", "SampleError")
    assert touched["written"] == [str(tmp_path / "made")]


@pytest.mark.parametrize(
    ("source", "phase", "kind", "exit_status"),
    [
        ("import yaml\n1 / 0\n", "import", "ZeroDivisionError", None),
        ("import yaml\ndef init():\n    import nowhere\n" + RUN, "init", "ModuleNotFoundError", None),
        ("import yaml, sys\ndef init():\n    sys.exit(4)\n" + RUN, "init", "SystemExit", None),
        ("import yaml, os\ndef init():\n    os._exit(4)\n" + RUN, "init", "ScriptDiedError", 4),
        ("import yaml, ctypes\ndef run(data):\n    ctypes.string_at(0)\n", "warm-up", "ScriptDiedError", -11),
        ("import yaml, os\ndef run(data):\n    os.kill(os.getpid(), 9)\n", "warm-up", "ScriptDiedError", -9),
    ],
)
def test_a_script_that_fails_has_told_what_it_touched(check, source, phase, kind, exit_status):
    status, touched, failure = check(source)

    assert (status, failure["phase"], failure["type"], failure["exit_status"]) == (3, phase, kind, exit_status)
    assert "PyYAML" in distributions(touched)


APPLICATION = """
import json, yaml
def application(environ, start_response):
    body = json.dumps({"y": json.loads(environ["wsgi.input"].read())["x"] + 1}).encode()
    start_response("200 OK", [("content-type", "application/json"), ("content-length", str(len(body)))])
    return [body]
"""


def test_an_application_is_told_of_too(check):
    status, touched, failure = check(APPLICATION, application=True)

    assert (status, failure) == (0, {})
    assert distributions(touched)["PyYAML"]["module"] == "yaml"
    assert touched["written"] == []


@pytest.mark.parametrize(
    ("end", "exit_status"), [("import os; os._exit(0)", 0), ("import ctypes; ctypes.string_at(0)", -11)]
)
def test_an_application_that_ends_the_process_has_not_passed(check, end, exit_status):
    status, touched, failure = check(f"import yaml\n{end}\n", application=True)

    assert (status, failure["phase"], failure["type"]) == (3, "import", "CheckDiedError")
    assert failure["exit_status"] == exit_status
    assert "PyYAML" in distributions(touched)


def test_a_crash_has_the_line_of_the_code(check):
    _, _, failure = check("import ctypes\n\ndef run(data):\n    ctypes.string_at(0)\n")

    assert 'score.py", line 4 in run' in failure["traceback"]
    assert "modelyard_scoring" not in failure["traceback"]


CHILDREN = """
import multiprocessing, os, subprocess, sys
def init():
    subprocess.run([sys.executable, "-c", "import yaml; open('/etc/passwd').close()"], check=True)
    if os.fork() == 0:
        open("/etc/group").close()
        os._exit(0)
    os.wait()
"""


def test_processes_that_the_code_starts_are_told_of(check):
    status, touched, _ = check(CHILDREN + RUN)

    assert status == 0
    assert {"/etc/passwd", "/etc/group"} <= set(touched["read"])
    assert "PyYAML" in distributions(touched)


def test_a_python_program_that_is_started_finds_its_own_sitecustomize(check, tmp_path):
    (tmp_path / "own").mkdir()
    (tmp_path / "own/sitecustomize.py").write_text("import builtins\nbuiltins.found = 'own'\n")
    source = f"""
import subprocess, sys
def init():
    code = "import sys; assert found == 'own' and not [p for p in sys.path if 'touched' in p]; open('/etc/passwd')"
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True)
{RUN}"""

    status, touched, failure = check(source, environ={"PYTHONPATH": str(tmp_path / "own")})

    assert (status, failure) == (0, {})
    assert "/etc/passwd" in touched["read"]


def test_a_million_files_are_bounded_and_counted(check, tmp_path):
    count = 1_000_000 if os.environ.get("MODELYARD_FULL") else 100_000
    source = f"""
def init():
    for number in range({count}):
        try:
            open(f"{tmp_path}/{{number}}", "w" if number < 10_000 else "r").close()
        except OSError:
            pass
{RUN}"""

    status, touched, _ = check(source)

    assert status == 0
    assert len(touched["written"]) == 2_000
    assert touched["left_out"]["written"] >= 4_096


def test_a_document_and_notes_that_the_code_forges_do_no_harm(check, tmp_path):
    source = f"""
import os
from pathlib import Path
def init():
    Path({str(tmp_path / "touched.json")!r}).write_text("no JSON")
    with open(os.environ["MODELYARD_NOTES"], "ab") as notes:
        notes.write(b"\\0\\xff\\0\\n\\nread\\nleft out\\0x\\0y\\n" + b"read\\0" + b"x" * 100_000)
{RUN}"""

    status, touched, _ = check(source)

    assert status == 0
    assert str(tmp_path / "touched.json") in touched["written"]


def test_code_that_removes_the_notes_or_closes_all_files_is_left_alone(check, tmp_path):
    source = f"""
import os
def init():
    notes = os.environ["MODELYARD_NOTES"]
    (number,) = [n for n in range(3, 200) if os.path.realpath(f"/proc/self/fd/{{n}}") == notes]
    os.remove(notes)
    os.close(number)
    with open({str(tmp_path / "own.txt")!r}, "w") as own:
        open("/etc/passwd").close()
        own.write("mine")
{RUN}"""

    status, touched, _ = check(source)

    assert (status, "/etc/passwd" in touched["read"]) == (0, False)
    assert (tmp_path / "own.txt").read_text() == "mine"


def test_a_control_nothing_is_noted_without_the_option(folders, tmp_path):
    hook = "import os\nassert 'MODELYARD_NOTES' not in os.environ and 'PYTHONPATH' not in os.environ\n"
    folder = folders.write({}, code=hook + RUN)
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-m", "modelyard_scoring", str(folder), "--check"]

    done = subprocess.run(command, capture_output=True, timeout=60, check=False, cwd=tmp_path, env=environ)

    assert done.returncode == 0, done.stderr


def test_a_model_without_code_touches_nothing_and_needs_what_the_server_needs(double_folder, tmp_path):
    file = tmp_path / "touched.json"
    command = [sys.executable, "-m", "modelyard_scoring", str(double_folder), "--check", "--touched-file", str(file)]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    touched = json.loads(file.read_bytes())
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    assert (touched["read"], touched["imported"]) == ([], [])
    assert {"numpy", "onnxruntime"} <= set(touched["server"])


def test_the_option_needs_a_check(folders, tmp_path):
    command = [sys.executable, "-m", "modelyard_scoring", str(tmp_path), "--touched-file", "x.json"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert "a path with --check" in done.stderr
