"""What ``/metrics`` says is what Prometheus's own parser reads."""

import math

from prometheus_client.parser import text_string_to_metric_families
from tests.exposition import parse

IMAGE = 'sha256:a"b\\c=1,d{é}'
SCRIPT = "def run(data):\n    raise ValueError\n"


def read(text):
    """The families, and their samples as our own parser has them."""
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = [sample for family in families.values() for sample in family.samples]
    return families, {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}


def test_prometheus_reads_what_we_read(folders, start):
    server = start(folders.write({"double": folders.double}), "--workers", "2", "--image", IMAGE).wait()
    for document, status in (([[1, 2, 3, 4]], 200), ([[1, 2, 3, 4]] * 3, 200), ({"data": 5}, 400), ("x", 400)):
        assert server.score(document)[0] == status
    assert server.request("GET", "/nope")[0] == 404
    text = server.request("GET", "/metrics")[2].decode()
    families, samples = read(text)
    assert samples == parse(text)
    assert all(math.isfinite(value) for value in samples.values())
    assert all(family.documentation and family.type != "unknown" for family in families.values())
    (info,) = families["modelyard_scoring_info"].samples
    assert info.labels["image"] == IMAGE
    rows = [one for one in families["modelyard_scoring_rows"].samples if one.labels["model"] == "double"]
    assert [(one.name, one.value) for one in rows] == [("modelyard_scoring_rows_total", 4.0)]
    requests = {one.labels["code"]: one.value for one in families["modelyard_scoring_requests"].samples if one.value}
    assert (requests["400"], requests["404"]) == (2, 1)


def test_prometheus_reads_histograms_of_a_script_that_fails(folders, start):
    server = start(folders.write({}, code=SCRIPT)).wait()
    assert server.score({})[0] == 500
    families, _ = read(server.request("GET", "/metrics")[2].decode())
    histograms = [family for family in families.values() if family.type == "histogram"]
    assert histograms
    for family in histograms:
        assert {"+Inf"} < {one.labels.get("le") for one in family.samples}
