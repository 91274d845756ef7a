"""The page shows what is served, and runs nothing of it."""

import html.parser

from modelyard_scoring.descriptions.page import page, page_headers
from modelyard_scoring.service.folder import Sample, ServedModel, Service


class Tags(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = []
        self.texts = []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.texts.append(data)


def served(sample):
    model = ServedModel(name="m", version=1, path="m", engine="onnx", files={}, sample=sample)
    return Service(format=1, name="m", models=(model,)), [model]


def test_the_page_escapes_the_sample():
    evil = "</textarea><script>alert(1)</script>\"'"
    tags = Tags()
    tags.feed(page(*served(Sample(request=[evil], answer=[])), keyed=False).decode())
    assert [tag for tag, _ in tags.seen].count("script") == 1
    assert any(evil.replace('"', '\\"') in text for text in tags.texts)


def test_the_page_of_a_service_with_keys_does_not_show_the_sample():
    sample = Sample(request=["a row of somebody"], answer=[])
    assert b"a row of somebody" in page(*served(sample), keyed=False)
    assert b"a row of somebody" not in page(*served(sample), keyed=True)
    assert b"default-src 'none'" in page_headers()


def test_the_page_links_to_metrics_where_they_are():
    assert b'"/metrics"' in page(*served(None), keyed=False)
    assert b"metrics" not in page(*served(None), keyed=False, metrics=False).lower()
