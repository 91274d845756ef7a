"""Names of images: what distribution's grammar allows, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.images.oci.errors import InvalidImageReferenceError
from modelyard.images.oci.reference import ImageReference

DIGEST = "sha256:" + "0123456789abcdef" * 4

COMPONENTS = st.from_regex(r"\A[a-z0-9]{1,6}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,6}){0,2}\Z")
REFERENCES = st.builds(
    lambda registry, parts, tag, digest: ImageReference(
        registry=registry, repository="/".join(parts), tag=tag if tag or digest else "latest", digest=digest
    ),
    st.sampled_from(["127.0.0.1:5000", "registry.example", "localhost", "[::1]:5000", "h-1.example:65535"]),
    st.lists(COMPONENTS, min_size=1, max_size=4),
    st.one_of(st.just(""), st.from_regex(r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")),
    st.sampled_from(["", DIGEST]),
)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("python", "docker.io/library/python:latest"),
        ("python:3.11-slim", "docker.io/library/python:3.11-slim"),
        ("prom/node-exporter", "docker.io/prom/node-exporter:latest"),
        ("docker.io/python", "docker.io/library/python:latest"),
        ("index.docker.io/library/python", "docker.io/library/python:latest"),
        ("localhost/digits", "localhost/digits:latest"),
        ("127.0.0.1:5000/digits:3", "127.0.0.1:5000/digits:3"),
        ("[::1]:5000/a/b__c", "[::1]:5000/a/b__c:latest"),
        ("Registry.Example/digits", "registry.example/digits:latest"),
        (f"registry.example/digits@{DIGEST}", f"registry.example/digits@{DIGEST}"),
        (f"registry.example/digits:3@{DIGEST}", f"registry.example/digits:3@{DIGEST}"),
    ],
)
def test_a_name_means(text: str, meant: str) -> None:
    assert str(ImageReference.parse(text)) == meant


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "-rf", "--help", "digits:", "digits@", "digits:a:b", "digits:-1", "a..b", "../digits", "a/../b", "/a",
        "a/", "a//b", "digits\n", "digits:3\n", "a b", "'digits'", '"digits"', "$(id)", "a;b", "a`b`", "A", "digits:é",
        "h.io/Digits", "h.io/-a", "h.io/a-", "h.io/a_.b", "h.io:99999/a", "h.io:/a", ":5000/a", "h..io/a", "-h.io/a",
        "h.io/a@sha256:12", "h.io/a@md5:" + "a" * 32, f"h.io/a@{DIGEST.upper()}", f"h.io/a@{DIGEST}\n", "a" * 64,
        "[::1/a", "[zz::1]/a", "[:::::]/a", "http://h.io/a", "h.io/a?b", "h.io/a#b", "h.io/" + "a" * 256,
        "h.io/a:" + "b" * 129, "x" * 10_000, "h.io/%2e%2e/a", "h.io/a\x00", "h.io/a:\u0663", "h\u0131.io/a",
    ],
)  # fmt: skip
def test_what_is_no_name_is_refused(text: str) -> None:
    with pytest.raises(InvalidImageReferenceError, match=r"REGISTRY/REPOSITORY:TAG") as caught:
        ImageReference.parse(text)

    assert "\n" not in str(caught.value)


@given(REFERENCES)
def test_a_name_is_read_as_it_is_written(reference: ImageReference) -> None:
    assert ImageReference.parse(str(reference)) == reference


@given(st.text(max_size=80))
def test_any_text_is_a_name_that_can_be_written_or_is_refused(text: str) -> None:
    try:
        reference = ImageReference.parse(text)
    except InvalidImageReferenceError:
        return

    assert ImageReference.parse(str(reference)) == reference
    assert str(reference).isascii()
    assert str(reference).isprintable()
    assert ".." not in str(reference)


def test_a_registry_is_asked_for_the_digest_where_there_is_one() -> None:
    assert ImageReference.parse("digits:3").target == "3"
    assert ImageReference.parse(f"digits:3@{DIGEST}").target == DIGEST
    assert str(ImageReference.parse("digits:3").pinned(DIGEST)) == f"docker.io/library/digits@{DIGEST}"
