"""What the answers of registries mean."""

import httpx
import pytest

from modelyard.images.oci.answers import address, explained
from modelyard.images.oci.errors import NotARegistryError, RegistryFailureError, RegistryFullError, UnknownImageError

ENOSPC = (
    b'{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":'
    b'{"Op":"mkdir","Path":"/var/lib/registry","Err":28}}]}'
)


@pytest.mark.parametrize(
    ("status", "body", "error", "words"),
    [
        (404, b'{"errors":[{"code":"NAME_UNKNOWN"}]}', UnknownImageError, "does not know the repository"),
        (404, b'{"errors":[{"code":"MANIFEST_UNKNOWN"}]}', UnknownImageError, "does not know the tag"),
        (404, b"404 page not found", NotARegistryError, "Check the name and the port"),
        (500, ENOSPC, RegistryFullError, "No space is left"),
        (500, b"write: no space left on device", RegistryFullError, "No space is left"),
        (507, b"", RegistryFullError, "No space is left"),
        (500, b"", RegistryFailureError, "answered 500: Internal Server Error"),
        (400, b'{"errors":[{"code":"TAG_INVALID","message":"bad tag"}]}', RegistryFailureError, "TAG_INVALID bad tag"),
        (400, b"[" * 100_000, RegistryFailureError, "answered 400"),
        (413, b"<html>", RegistryFailureError, "answered 413"),
    ],
)
def test_an_answer_means(status: int, body: bytes, error: type[Exception], words: str) -> None:
    response = httpx.Response(status, request=httpx.Request("GET", "https://ann:secret@r.example/v2/a?signature=b"))

    made = explained("r.example", "r.example/a:1", response, body)

    assert type(made) is error
    assert words in str(made)
    assert "secret" not in str(made)
    assert "signature" not in str(made)


def test_an_address_is_written_without_secrets() -> None:
    assert address(httpx.URL("https://ann:pw@s.example:444/a/b?sig=c#d")) == "https://s.example:444/a/b"
