"""What the service says about itself."""

import json

import pytest


@pytest.fixture(scope="module")
def server(make_folders, start_in_module):
    return start_in_module(make_folders.write({"double": make_folders.double})).wait()


def test_probes_see_healthy_and_browsers_a_page(server):
    assert server.request("GET", "/")[2] == b"Healthy\n"
    status, headers, body = server.request("GET", "/", headers={"accept": "text/html,*/*;q=0.8"})
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'sha256-" in headers["content-security-policy"]
    assert b"double:1" in body
    assert b"[[1,2,3,4]]" in body


@pytest.mark.parametrize("path", ["/openapi.json", "/swagger.json"])
def test_examples_in_the_descriptions_are_answered_as_they_say(server, path):
    document = json.loads(server.request("GET", path)[2])
    for scored in ("/score", "/score/double"):
        post = document["paths"][scored]["post"]
        if path == "/openapi.json":
            request = post["requestBody"]["content"]["application/json"]["example"]
            answer = post["responses"]["200"]["content"]["application/json"]["example"]
        else:
            request = post["parameters"][0]["schema"]["example"]
            answer = post["responses"]["200"]["examples"]["application/json"]
        assert server.score(request, scored) == (200, answer)


def references(node):
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "$ref":
                yield value
            else:
                yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.mark.parametrize(
    ("path", "version"), [("/openapi.json", ("openapi", "3.1.0")), ("/swagger.json", ("swagger", "2.0"))]
)
def test_descriptions_have_what_the_specification_requires(server, path, version):
    document = json.loads(server.request("GET", path)[2])
    assert document[version[0]] == version[1]
    assert {"title", "version"} <= set(document["info"])
    operations = [operation for item in document["paths"].values() for operation in item.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(answer["description"] for operation in operations for answer in operation["responses"].values())
    for reference in references(document):
        node = document
        for name in reference.removeprefix("#/").split("/"):
            node = node[name]


def test_with_keys_the_descriptions_need_one_and_say_so(start, double_folder, keys_file, key):
    server = start(double_folder, "--keys-file", str(keys_file)).wait()
    assert server.request("GET", "/openapi.json")[0] == 401
    bearer = {"authorization": f"Bearer {key}"}
    document = json.loads(server.request("GET", "/openapi.json", headers=bearer)[2])
    assert document["components"]["securitySchemes"]["bearer"]["scheme"] == "bearer"
    assert document["security"] == [{"bearer": []}, {"key": []}]
    assert b"[[1,2,3,4]]" not in server.request("GET", "/", headers={"accept": "text/html"})[2]


def test_request_ids_are_in_the_log(server):
    _, headers, _ = server.request("GET", "/nothing", headers={"x-request-id": "look-for-me"})
    assert headers["x-request-id"] == "look-for-me"
    line = server.logged(lambda line: line.get("request_id") == "look-for-me")
    assert (line["status"], line["code"], line["target"]) == (404, "unknown-path", "/nothing")
