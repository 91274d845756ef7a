"""The page at ``/`` in a real browser: its script runs under its own policy, and does what its buttons say."""

import json

import pytest
from tests.integration.scoring.browser import Browser

EVIL = "</textarea><img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>"
SCRIPT = "def run(data):\n    return {'length': len(data)}\n"


@pytest.fixture(scope="module")
def browser(chromium, tmp_path_factory):
    opened = Browser(chromium, tmp_path_factory.mktemp("browser"))
    yield opened
    opened.close()


@pytest.fixture
def page(browser):
    """The page as a person has it, who is to see no complaint of the browser."""
    browser.complaints.clear()
    yield browser
    assert browser.complaints == []


def fill(page, **values):
    for name, value in values.items():
        page.run(f"document.getElementById({json.dumps(name)}).value = {json.dumps(value)}")


def press(page, label):
    """Press a button, or follow a link; what the answer then is."""
    page.run("document.getElementById('answer').textContent = ''")
    found = f"[...document.querySelectorAll('button, a')].find((one) => one.textContent === {json.dumps(label)})"
    page.run(f"{found}.click()")
    return page.until("['', '…'].includes(at('answer').textContent) ? '' : at('answer').textContent")


def value(page, name):
    return page.run(f"document.getElementById({json.dumps(name)}).value")


def test_the_sample_is_there_and_is_scored(page, double_folder, start):
    page.open(start(double_folder).wait().url + "/")
    assert json.loads(value(page, "request")) == {"data": [[1, 2, 3, 4]]}
    head, _, body = press(page, "Score").partition("\n")
    assert (head, json.loads(body)) == ("200 OK", {"doubled": [[2, 4, 6, 8]], "prediction": [10]})
    fill(page, request="{")
    head, _, body = press(page, "Score").partition("\n")
    assert (head, json.loads(body)["code"]) == ("400 Bad Request", "malformed-body")


def test_the_sample_of_another_model_is_filled_in(page, folders, start):
    content, signature, sample = folders.double
    other = {"request": {"data": [[0, 0, 0, 1]]}, "answer": {"doubled": [[0, 0, 0, 2]], "prediction": [1]}}
    models = {"double": (content, signature, sample), "other": (content, signature, other)}
    page.open(start(folders.write(models)).wait().url + "/")
    fill(page, path="/score/other", request="")
    page.run("document.getElementById('fill').click()")
    assert json.loads(page.until("at('request').value")) == other["request"]
    assert json.loads(press(page, "Score").partition("\n")[2]) == other["answer"]


def test_a_key_is_sent_where_one_is_asked_for(page, double_folder, start, keys_file, key):
    page.open(start(double_folder, "--keys-file", str(keys_file)).wait().url + "/")
    assert value(page, "request") == ""
    assert press(page, "OpenAPI").startswith("401 ")
    assert press(page, "Fill in the sample").startswith("401 ")
    fill(page, key=key)
    described = press(page, "OpenAPI")
    assert described.startswith("200 OK\n")
    assert json.loads(described.partition("\n")[2])["openapi"] == "3.1.0"
    page.run("document.getElementById('fill').click()")
    assert json.loads(page.until("at('request').value")) == {"data": [[1, 2, 3, 4]]}
    assert press(page, "Score").startswith("200 OK\n")
    fill(page, key=key + "x")
    assert press(page, "Score").startswith("401 ")


def test_what_is_shown_is_text_and_runs_nothing(page, folders, start):
    folder = folders.write({}, code="import json\n\ndef run(data):\n    return json.loads(data)\n")
    service = json.loads((folder / "service.json").read_text())
    sample = {"request": {"data": EVIL}, "answer": {"data": EVIL}}
    service["models"] = [{"name": "m", "version": 1, "path": "m", "engine": "script", "files": {}, "sample": sample}]
    (folder / "m").mkdir()
    (folder / "service.json").write_text(json.dumps(service))
    page.open(start(folder).wait().url + "/")
    assert json.loads(value(page, "request")) == {"data": EVIL}
    assert json.loads(press(page, "Score").partition("\n")[2]) == {"data": EVIL}
    assert page.run("document.title") == "trial"
    assert page.run("document.querySelectorAll('img, script').length") == 1


def test_a_server_that_is_gone_is_told(page, folders, start):
    server = start(folders.write({}, code=SCRIPT)).wait()
    page.open(server.url + "/")
    fill(page, request="[1]")
    assert press(page, "Score").startswith("200 OK\n")
    assert server.stop() == 0
    assert "Failed to fetch" in press(page, "Score")


def test_the_policy_of_the_page_lets_nothing_else_run(browser, double_folder, start):
    browser.open(start(double_folder).wait().url + "/")
    browser.complaints.clear()
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=/live onerror=\"document.title=1\">')")
    browser.run("document.body.append(Object.assign(document.createElement('script'), {text: 'document.title = 2'}))")
    browser.until("document.querySelectorAll('script').length === 2")
    assert browser.run("document.title") == "trial"
    assert any("Content Security Policy" in one["text"] for one in browser.complaints)
