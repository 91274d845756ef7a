"""service.json is read strictly."""

import hashlib
import json

import pytest

from modelyard_scoring.errors import DigestError, FolderError
from modelyard_scoring.service.folder import read_service, verify_model

SIGNATURE = {"inputs": [{"name": "input", "type": "float32", "shape": [None, 4]}], "outputs": [], "form": "array"}
MODEL = {
    "name": "digits",
    "version": 1,
    "path": "models/digits/1",
    "engine": "onnx",
    "file": "model.onnx",
    "files": {"model.onnx": hashlib.sha256(b"abc").hexdigest()},
    "signature": SIGNATURE,
    "sample": None,
}
SERVICE = {"format": 1, "name": "digits", "models": [MODEL], "code": None, "limits": {"timeout": 5}}


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "models/digits/1"
    place.mkdir(parents=True)
    (place / "model.onnx").write_bytes(b"abc")
    (tmp_path / "service.json").write_text(json.dumps(SERVICE))
    return tmp_path


def test_a_right_folder_is_read(folder):
    service = read_service(folder)
    assert str(service.models[0]) == "digits:1"
    assert service.limits.timeout == 5
    assert service.limits.max_rows == 10_000
    verify_model(folder, service.models[0])


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FolderError, match=r"service\.json: there is no such file"):
        read_service(tmp_path)


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"format": 2}, "format"),
        ({"name": "../x"}, "service name"),
        ({"name": ""}, "service name"),
        ({"extra": 1}, "extra"),
        ({"models": []}, "neither a model nor code"),
        ({"models": [MODEL, MODEL]}, "same name"),
        ({"models": [{**MODEL, "version": 0}]}, "version"),
        ({"models": [{**MODEL, "path": "../models"}]}, r"relative"),
        ({"models": [{**MODEL, "path": "/models"}]}, "relative"),
        ({"models": [{**MODEL, "path": "a\\b"}]}, "relative"),
        ({"models": [{**MODEL, "file": "other.onnx"}]}, "not among its files"),
        ({"models": [{**MODEL, "files": {"model.onnx": "ABC"}}]}, "64 hexadecimal"),
        ({"models": [{**MODEL, "files": {"../model.onnx": "a" * 64}}]}, "relative"),
        ({"models": [{**MODEL, "engine": "script"}]}, "there is no code"),
        ({"models": [{**MODEL, "signature": {**SIGNATURE, "form": "table"}}]}, "form"),
        ({"models": [{**MODEL, "signature": {**SIGNATURE, "inputs": []}}]}, "one input"),
        ({"models": [{**MODEL, "signature": {"inputs": [], "form": "tensors"}}]}, "at least one input"),
        ({"code": {"path": "code", "entry": "score.txt"}}, "Python file"),
        ({"code": {"path": "code", "entry": "../score.py"}}, "relative"),
        ({"limits": {"max_rows": 0}}, "max_rows"),
        ({"limits": {"max_rows": "5"}}, "max_rows"),
        ({"limits": {"max_row": 5}}, "max_row"),
    ],
)
def test_what_is_wrong_is_named(folder, change, text):
    (folder / "service.json").write_text(json.dumps({**SERVICE, **change}))
    with pytest.raises(FolderError, match=text):
        read_service(folder)


@pytest.mark.parametrize(
    "field",
    [
        {"name": "input", "type": "float8", "shape": [None]},
        {"name": "input", "type": "float32", "shape": []},
        {"name": "input", "type": "float32", "shape": [1, 4]},
        {"name": "input", "type": "float32", "shape": [None, 0]},
        {"name": "input", "type": "float32", "shape": [None, 1.5]},
        {"name": 5, "type": "float32", "shape": [None]},
    ],
)
def test_a_wrong_field_is_refused(folder, field):
    model = {**MODEL, "signature": {**SIGNATURE, "inputs": [field]}}
    (folder / "service.json").write_text(json.dumps({**SERVICE, "models": [model]}))
    with pytest.raises(FolderError, match=r"service\.json"):
        read_service(folder)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[]", b'"x"'])
def test_what_is_not_such_json_is_refused(folder, content):
    (folder / "service.json").write_bytes(content)
    with pytest.raises(FolderError, match=r"service\.json"):
        read_service(folder)


@pytest.mark.parametrize("content", [b"abd", b"ab", b"abcd", b""])
def test_other_bytes_are_refused_with_both_digests(folder, content):
    model = read_service(folder).models[0]
    (folder / "models/digits/1/model.onnx").write_bytes(content)
    with pytest.raises(DigestError) as caught:
        verify_model(folder, model)
    assert caught.value.wanted == model.files["model.onnx"]
    assert caught.value.got == hashlib.sha256(content).hexdigest()
    assert caught.value.got in str(caught.value)
    assert caught.value.wanted in str(caught.value)


def test_missing_and_unlisted_files_are_refused(folder):
    model = read_service(folder).models[0]
    extra = folder / "models/digits/1/weights.bin"
    extra.touch()
    with pytest.raises(FolderError, match="does not list this file"):
        verify_model(folder, model)
    extra.unlink()
    (folder / "models/digits/1/model.onnx").unlink()
    with pytest.raises(FolderError, match="no such file"):
        verify_model(folder, model)


@pytest.mark.parametrize(
    "code",
    [
        {"application": "app:application"},
        {"application": "app:application", "entry": "app.py"},
        {"application": "package.module:make.it()", "interface": "wsgi", "concurrency": 256},
        {"application": "package:application", "entry": "package/__init__.py"},
    ],
)
def test_code_may_name_an_application(folder, code):
    (folder / "service.json").write_text(json.dumps(SERVICE | {"code": {"path": "code", **code}}))
    assert read_service(folder).code.application == code["application"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ({"application": "application"}, "must be like 'app:application'"),
        ({"application": "app:application(1)"}, "must be like 'app:application'"),
        ({"application": "../app:application"}, "must be like 'app:application'"),
        ({"application": "app:application", "entry": "other.py"}, "not the module"),
        ({"application": "app:application", "interface": "cgi"}, "interface"),
        ({"application": "app:application", "concurrency": 0}, "from 1 to 256"),
        ({"entry": ""}, "must be relative"),
    ],
)
def test_a_wrong_application_is_told(folder, code, text):
    (folder / "service.json").write_text(json.dumps(SERVICE | {"code": {"path": "code", **code}}))
    with pytest.raises(FolderError, match=text):
        read_service(folder)
