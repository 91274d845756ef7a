"""The descriptions are valid, and what schemathesis makes of them finds a server that does as they say."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from openapi_spec_validator import OpenAPIV2SpecValidator, OpenAPIV31SpecValidator
from tests.integration.scoring.test_bad_input import FRAME, ROW, echo_frame
from tests.integration.scoring.test_tensors import sentences

CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
SCRIPT = "import json\ndef run(data):\n    return {'length': len(json.dumps(data))}\n"
ANSWER = {"age_out": [30], "income_out": [1.5], "city_out": ["Köln"], "member_out": [True], "since_out": [10**9]}


@pytest.fixture(scope="module")
def models(make_folders):
    sample = {"request": [ROW], "answer": {**ANSWER, "floor_out": [-3]}}
    frame = {**FRAME, "inputs": [{**one} for one in FRAME["inputs"]]}
    frame["inputs"][2]["nullable"] = True
    frames = (echo_frame(make_folders.save), frame, sample)
    return {"double": make_folders.double, "frame": frames, "sentences": sentences(make_folders)}


@pytest.fixture(scope="module")
def server(make_folders, models, start_in_module):
    return start_in_module(make_folders.write(models, limits={"max_rows": 20})).wait()


def schemathesis(server, *options, count=20, checks=CHECKS, document=None):
    document = document or f"{server.url}/openapi.json"
    command = [Path(sys.executable).with_name("schemathesis"), "run", document, "--url", server.url, "--checks", checks]
    command += ["--max-examples", str(count), "--phases", "examples,fuzzing", "--seed", "1", "--no-color"]
    command += ["--suppress-health-check", "all", "--generation-database", "none", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("path", "validator"), [("/openapi.json", OpenAPIV31SpecValidator), ("/swagger.json", OpenAPIV2SpecValidator)]
)
def test_the_descriptions_are_valid(server, path, validator):
    assert [error.message for error in validator(json.loads(server.request("GET", path)[2])).iter_errors()] == []


def test_what_is_described_is_what_is_done(server):
    workers = server.workers()
    status, text = schemathesis(server)
    assert status == 0, text
    assert server.workers() == workers
    assert "Traceback" not in server.log


def test_rows_that_an_arrays_schema_allows_are_taken(server, tmp_path):
    described = json.loads(server.request("GET", "/openapi.json")[2])
    content = described["paths"]["/score/double"]["post"]["requestBody"]["content"]
    assert {"text/csv", "application/x-npy"} < set(content)
    for kind in set(content) - {"application/json"}:  # of which the schema does not say what is allowed
        del content[kind]
    file = tmp_path / "openapi.json"
    file.write_text(json.dumps(described))
    only = ("--include-path", "/score/double")
    status, text = schemathesis(server, *only, checks="positive_data_acceptance", document=file)
    assert status == 0, text


def test_with_keys_it_is_done_too(start, make_folders, models, keys_file, key):
    server = start(make_folders.write(models), "--keys-file", str(keys_file)).wait()
    status, text = schemathesis(
        server, "--header", f"Authorization: Bearer {key}", count=5, checks=f"{CHECKS},ignored_auth"
    )
    assert status == 0, text


def test_a_script_takes_what_may_come(start, make_folders):
    server = start(make_folders.write({}, code=SCRIPT)).wait()
    status, text = schemathesis(server, count=10)
    assert status == 0, text


def test_an_answer_that_is_not_as_described_is_noticed(start, make_folders, models):
    content, signature, _ = models["double"]
    outputs = [{**signature["outputs"][0], "type": "string"}, signature["outputs"][1]]
    server = start(make_folders.write({"double": (content, {**signature, "outputs": outputs}, None)})).wait()
    status, text = schemathesis(server, count=5)
    assert status == 1
    assert "is not of type" in text or "violates schema" in text
