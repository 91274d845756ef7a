"""Applications of the usual frameworks are served, with keys, in several workers, and to their end."""

import json
import signal
import socket
import threading
import time

import pytest

FLASK = """
import logging
import os
from pathlib import Path
from flask import Flask, Response, request


def create():
    application = Flask(__name__)

    @application.get("/")
    def home():
        return {"models": sorted(os.listdir(os.environ["AZUREML_MODEL_DIR"]))}

    @application.post("/score")
    def score():
        application.logger.warning("a line of the application")
        return {"doubled": [2 * value for value in request.get_json()["data"]]}

    @application.get("/parts")
    def parts():
        return Response((f"{n}\\n" for n in range(3)), mimetype="text/plain")

    @application.post("/file")
    def file():
        return request.files["file"].read()

    @application.get("/fail")
    def fail():
        raise ValueError("a secret")

    return application
"""
FASTAPI = """
import asyncio
import os
from contextlib import asynccontextmanager
from fastapi import BackgroundTasks, FastAPI
from fastapi.middleware.gzip import GZipMiddleware
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

NOTED = []


class Rows(BaseModel):
    data: list[float]


@asynccontextmanager
async def lifespan(application):
    if os.environ.get("FAIL_THE_START"):
        raise FileNotFoundError("model.bin is not there")
    application.state.factor = 2
    yield
    print("the application has ended", flush=True)


application = FastAPI(lifespan=lifespan)
application.add_middleware(GZipMiddleware, minimum_size=10_000)


@application.post("/score")
async def score(rows: Rows):
    print("a print of the application")
    return {"doubled": [application.state.factor * value for value in rows.data]}


@application.get("/blocking")
def blocking():
    return "in a thread"


@application.get("/pid")
async def pid():
    return os.getpid()


@application.get("/behind")
async def behind(tasks: BackgroundTasks):
    tasks.add_task(NOTED.append, "behind")
    return NOTED


@application.get("/large")
async def large(parts: int):
    async def made():
        for _ in range(parts):
            yield b"x" * 100_000
        NOTED.append("written")

    return StreamingResponse(made())


@application.get("/slow")
async def slow():
    async def made():
        try:
            for number in range(8):
                await asyncio.sleep(0.2)
                yield f"{number}"
        except asyncio.CancelledError:
            NOTED.append("left")
            raise

    return StreamingResponse(made())


@application.get("/noted")
async def noted():
    return NOTED
"""


@pytest.fixture(scope="module")
def flask(make_folders, start_in_module):
    folder = make_folders.write_application(FLASK, "app:create()", models={"double": make_folders.double})
    return start_in_module(folder).wait()


@pytest.fixture(scope="module")
def fastapi_folder(make_folders):
    return make_folders.write_application(FASTAPI)


@pytest.fixture(scope="module")
def fastapi(fastapi_folder, start_in_module):
    return start_in_module(fastapi_folder).wait()


def noted(server, wanted):
    """Ask the application again and again, for a minute, whether it has noted `wanted`."""
    end = time.monotonic() + 60
    while wanted not in json.loads(server.request("GET", "/noted")[2]):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_flask_answers(flask):
    assert flask.score({"data": [1, 2]}) == (200, {"doubled": [2, 4]})
    assert json.loads(flask.request("GET", "/")[2]) == {"models": ["model.onnx"]}
    assert flask.request("GET", "/parts")[2] == b"0\n1\n2\n"
    assert flask.request("GET", "/unknown")[0] == 404
    assert flask.request("GET", "/score")[0] == 405
    assert flask.request("POST", "/score", "no", {"content-type": "application/json"})[0] == 400
    assert flask.request("GET", "/fail")[0] == 500
    flask.logged(lambda line: line["text"] == "a line of the application" and line["request_id"])


def test_flask_takes_a_form(flask):
    body = b'--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\ncontents\r\n--b--\r\n'
    kind = {"content-type": "multipart/form-data; boundary=b"}
    assert flask.request("POST", "/file", body, kind)[2] == b"contents"


def test_fastapi_answers(fastapi):
    assert fastapi.score({"data": [1, 2]}) == (200, {"doubled": [2, 4]})
    fastapi.logged(lambda line: line["text"] == "a print of the application" and line["request_id"])
    assert fastapi.score({"data": ["x"]})[0] == 422
    assert fastapi.request("GET", "/blocking")[2] == b'"in a thread"'
    assert "/score" in json.loads(fastapi.request("GET", "/openapi.json")[2])["paths"]
    assert b"swagger" in fastapi.request("GET", "/docs")[2]
    assert fastapi.request("HEAD", "/openapi.json")[0::2] == (200, b"")
    fastapi.request("GET", "/behind")
    assert noted(fastapi, "behind")


def test_a_slow_reader_holds_up_its_answer_only(fastapi):
    parts = 300
    with socket.create_connection(("127.0.0.1", fastapi.port), timeout=60) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        connection.sendall(b"GET /large?parts=%d HTTP/1.0\r\n\r\n" % parts)
        assert connection.recv(1000)
        for _ in range(50):
            assert fastapi.score({"data": [1]})[0] == 200
        assert "written" not in json.loads(fastapi.request("GET", "/noted")[2])
        length = 0
        while part := connection.recv(2**20):
            length += len(part)
    assert length > (parts - 1) * 100_000
    assert noted(fastapi, "written")


def test_an_answer_that_nobody_reads_is_ended(fastapi):
    with socket.create_connection(("127.0.0.1", fastapi.port)) as connection:
        connection.sendall(b"GET /slow HTTP/1.1\r\nhost: h\r\n\r\n")
        assert connection.recv(1000)
    assert noted(fastapi, "left")
    assert "broken off" not in fastapi.log
    assert "application failed" not in fastapi.log


def test_a_start_that_fails_says_why(fastapi_folder, start):
    server = start(fastapi_folder, environ={"FAIL_THE_START": "1"})
    assert server.process.wait(60) == 3
    failure = json.loads(server.failure_file.read_bytes())
    assert (failure["phase"], failure["type"]) == ("init", "FileNotFoundError")
    assert "model.bin is not there" in failure["message"]
    assert "in lifespan" in failure["traceback"]


@pytest.mark.parametrize(
    ("source", "name", "phase", "text"),
    [
        ("import no_such_module", "app:application", "import", "no_such_module"),
        ("other = 1", "app:application", "import", "has no 'application'"),
        ("application = 1", "app:application", "import", "cannot be called"),
        ("", "apple:application", "import", "is not there"),
        ("def create(): raise ValueError('not today')", "app:create()", "import", "not today"),
    ],
)
def test_what_is_no_application_is_told(folders, start, source, name, phase, text):
    server = start(folders.write_application(source, name))
    assert server.process.wait(60) == 3
    failure = json.loads(server.failure_file.read_bytes())
    assert failure["phase"] == phase
    assert text in failure["message"]


SAMPLED = """
from flask import Flask, request
application = Flask(__name__)

@application.post("/score")
def score():
    return {"doubled": [2 * value for value in request.get_json()["data"]]}
"""


@pytest.mark.parametrize("doubled", [2.0, 3.0])
def test_a_sample_is_compared_before_the_first_request(folders, start, doubled):
    folder = folders.write_application(SAMPLED, models={"double": folders.double})
    service = json.loads((folder / "service.json").read_bytes())
    sample = {"request": {"data": [1.0]}, "answer": {"doubled": [doubled]}}
    service["models"][0] |= {"engine": "application", "sample": sample}
    (folder / "service.json").write_text(json.dumps(service))
    server = start(folder)
    if doubled == 2.0:
        assert server.wait().score({"data": [4]}) == (200, {"doubled": [8]})
        return
    assert server.process.wait(60) == 3
    failure = json.loads(server.failure_file.read_bytes())
    assert (failure["phase"], failure["type"]) == ("warm-up", "SampleError")


def test_a_changed_model_beside_an_application_stops_the_start(folders, start):
    folder = folders.write_application(SAMPLED, models={"double": folders.double})
    (folder / "models/double/1/model.onnx").write_bytes(b"other")
    server = start(folder)
    assert server.process.wait(60) == 3
    assert json.loads(server.failure_file.read_bytes())["type"] == "DigestError"


def test_every_path_needs_a_key_where_there_are_keys(fastapi_folder, start, keys_file, key):
    server = start(fastapi_folder, "--keys-file", str(keys_file)).wait()
    for path in ("/score", "/", "/openapi.json", "/unknown"):
        status, _, body = server.request("POST", path, b"{}")
        assert (status, json.loads(body)["code"]) == (401, "wrong-key")
    assert server.request("GET", "/openapi.json", headers={"x-api-key": key})[0] == 200
    assert server.score({"data": [1]}, authorization=f"Bearer {key}") == (200, {"doubled": [2]})
    assert server.request("GET", "/live")[0] == 200


def test_two_workers_serve_and_end_what_they_began(fastapi_folder, start):
    server = start(fastapi_folder, "--workers", "2").wait()
    server.wait_for_workers(2)
    workers = set(server.workers())
    pids = {int(server.request("GET", "/pid")[2]) for _ in range(200)}
    assert pids <= workers
    bodies = []
    readers = [threading.Thread(target=lambda: bodies.append(server.request("GET", "/slow")[2])) for _ in range(4)]
    for reader in readers:
        reader.start()
    while server.metrics().scoring("in_flight") < 4:
        assert server.process.poll() is None
    server.process.send_signal(signal.SIGTERM)
    for reader in readers:
        reader.join(60)
    assert bodies == [b"01234567"] * 4
    assert server.process.wait(60) == 0
    assert server.log.count("the application has ended") == 2
