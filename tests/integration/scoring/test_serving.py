"""A model folder is served."""


def test_an_onnx_model_is_scored(double_folder, start, rows):
    server = start(double_folder).wait()
    status, answer = server.score({"data": rows})
    assert status == 200
    assert answer == {
        "doubled": [[2.0 * value for value in row] for row in rows],
        "prediction": [float(sum(row)) for row in rows],
    }


def test_live_and_ready_answer_without_a_key_and_score_does_not(double_folder, start, keys_file, key, rows):
    server = start(double_folder, "--keys-file", str(keys_file)).wait()
    assert server.request("GET", "/live")[0] == 200
    status, answer = server.score({"data": rows})
    assert (status, answer["code"]) == (401, "wrong-key")
    assert server.score({"data": rows}, Authorization=f"Bearer {key}")[0] == 200
    assert server.score({"data": rows}, Authorization=f"Bearer {key[::-1]}")[0] == 200
    assert server.score({"data": rows}, Authorization=f"Bearer {key}x")[0] == 401
    assert server.stop() == 0
    assert '"status":401' in server.log
    assert key not in server.log


def test_what_is_served_is_told_to_those_with_a_key(double_folder, start, keys_file, key):
    server = start(double_folder, "--keys-file", str(keys_file)).wait()
    known, given = {"authorization": f"Bearer {key}"}, []
    for headers in ({}, known):
        asked = [("GET", "/score/other"), ("GET", "/score/double"), ("GET", "/score/double/"), ("POST", "/nope")]
        answers = [server.request(method, path, headers=headers) for method, path in asked]
        given.append([(status, b"double" in body) for status, _, body in answers])
    assert given == [[(401, False)] * 4, [(404, True), (405, True), (405, True), (404, True)]]


def test_sigterm_ends_the_server_with_status_0(double_folder, start):
    server = start(double_folder, "--workers", "2").wait()
    assert server.stop() == 0


def test_a_client_that_does_not_wait_gets_no_run(folders, start):
    code = "import time\ndef run(data):\n    time.sleep(0.3)\n    return 1\n"
    server = start(folders.write({}, code=code)).wait()
    assert server.score({}, **{"x-request-timeout": "0.05"})[0] == 504
    assert server.score({}, **{"x-request-timeout": "soon"})[0] == 400
    assert server.score({}, **{"x-request-timeout": "5"})[0] == 200
