"""Health and metrics at a port of their own."""

import json
import signal
import time
import urllib.error
import urllib.request


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_health_and_metrics_are_served_there_without_a_key(double_folder, start, keys_file, key, rows):
    options = ["--admin-port", "0", "--admin-host", "127.0.0.2", "--keys-file", str(keys_file), "--workers", "2"]
    server = start(double_folder, *options).wait()
    admin = json.loads(server.address_file.read_text())["admin_url"]
    assert admin.startswith("http://127.0.0.2:")
    for _ in range(10):
        assert server.score({"data": rows}, Authorization=f"Bearer {key}")[0] == 200
    assert [get(admin + path)[0] for path in ("/live", "/ready")] == [200, 200]
    texts = [get(admin + "/metrics")[1] for _ in range(6)]  # whichever worker answers, it answers for all
    lines = [[line for line in text.splitlines() if line.startswith("modelyard_scoring_rows_total")] for text in texts]
    assert all(len(one) == 1 and one[0].endswith(" 80") for one in lines)
    assert server.request("GET", "/live")[0] == server.request("GET", "/ready")[0] == 200
    assert server.request("GET", "/metrics")[0] == 401
    assert server.request("GET", "/metrics", headers={"x-api-key": key})[0] == 404
    assert b"metrics" not in server.request("GET", "/", headers={"accept": "text/html"})[2].lower()
    for path in ("/", "/score", "/openapi.json"):
        assert get(admin + path)[0] == 404
    assert server.stop() == 0


def test_a_stopping_server_is_not_ready_there_until_it_is_gone(folders, start):
    code = "import time\ndef run(data):\n    time.sleep(2)\n    return 1\n"
    server = start(folders.write({}, code=code), "--admin-port", "0").wait()
    admin = json.loads(server.address_file.read_text())["admin_url"]
    assert get(admin + "/ready")[0] == 200
    server.process.send_signal(signal.SIGTERM)
    end = time.monotonic() + 60
    while (status := get(admin + "/ready")[0]) == 200:
        assert time.monotonic() < end
    assert status == 503
    assert server.stop() == 0
