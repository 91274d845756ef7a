"""Content types are told apart by their names, and by the parameters that change how a body is read."""

import pytest

from modelyard_scoring.errors import ContentTypeError
from modelyard_scoring.http1.content_type import ContentTypes


@pytest.mark.parametrize(
    ("header", "wanted"),
    [
        (b"", b""),
        (b" Text/CSV ", b"text/csv"),
        (b'application/json; charset="UTF-8"', b"application/json"),
        (b"application/json ; charset = utf8", b"application/json"),
        (b"text/csv; header=absent", b"text/csv"),
        (b"text/csv;Header=Present", b"text/csv; header=present"),
        (b'text/csv; charset=utf-8; header = "present"', b"text/csv; header=present"),
        (b"application/json; header=present", b"application/json"),
        (b"text/csv; header; =", b"text/csv"),
    ],
)
def test_a_header_is_reduced_to_what_decides_how_a_body_is_read(header, wanted):
    types = ContentTypes()
    assert [types.of(header), types.of(header)] == [wanted, wanted]


@pytest.mark.parametrize("parameter", [b"charset=utf-16", b"charset = utf-16", b' CHARSET ="latin-1"', b"a=b;charset="])
def test_another_charset_is_refused(parameter):
    with pytest.raises(ContentTypeError, match="the charset utf-8"):
        ContentTypes().of(b"application/json; " + parameter)
