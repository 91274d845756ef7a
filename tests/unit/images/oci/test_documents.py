"""Documents: written one way, read whoever wrote them, refused when they could be taken for something else."""

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.images.oci.documents import (
    CONFIG,
    DOCKER_INDEX,
    DOCKER_MANIFEST,
    INDEX,
    LARGEST,
    LAYER_GZIP,
    MANIFEST,
    Descriptor,
    ImageConfig,
    Index,
    Manifest,
    RootFs,
    decode,
    encode,
    media_type_of,
    read_manifest,
)
from modelyard.images.oci.errors import InvalidDocumentError
from modelyard.images.oci.platforms import Platform

DIGESTS = st.binary(max_size=20).map(lambda data: Descriptor.of(data, CONFIG).digest)
ANNOTATIONS = st.one_of(st.none(), st.dictionaries(st.text(max_size=9), st.text(max_size=9), min_size=1, max_size=3))
DESCRIPTORS = st.builds(
    Descriptor,
    media_type=st.sampled_from([CONFIG, LAYER_GZIP, MANIFEST]),
    digest=DIGESTS,
    size=st.integers(0, 1 << 52),
    platform=st.sampled_from([None, Platform.parse("linux/arm64"), Platform.parse("linux/arm/v7")]),
    annotations=ANNOTATIONS,
)
MANIFESTS = st.builds(
    Manifest,
    schema_version=st.just(2),
    media_type=st.sampled_from(["", MANIFEST]),
    config=DESCRIPTORS,
    layers=st.lists(DESCRIPTORS, max_size=3).map(tuple),
    subject=st.one_of(st.none(), DESCRIPTORS),
    annotations=ANNOTATIONS,
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
DOCKERS_CONFIG = b"""{"architecture":"amd64","os":"linux","docker_version":"20.10","container":"x",
 "config":{"Hostname":"","Env":null,"Cmd":["python3"],"Image":"sha256:x","Volumes":null,"OnBuild":null,"Labels":null,
 "Healthcheck":{"Test":["CMD","true"],"Interval":30000000000}},"container_config":{"Tty":false},
 "history":[{"created":"2026-01-01T00:00:00Z","empty_layer":true,"later":1}],
 "rootfs":{"type":"layers","diff_ids":[]}}"""


@given(MANIFESTS)
def test_a_manifest_is_read_as_it_was_written_whatever_stands_in_it(manifest: Manifest) -> None:
    data = encode(manifest)

    assert read_manifest(data, MANIFEST, "it") == manifest
    assert data == json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@given(MANIFESTS, st.dictionaries(st.text(max_size=8), JSON, max_size=3))
def test_fields_that_are_not_known_are_passed_over(manifest: Manifest, more: dict[str, object]) -> None:
    known = json.loads(encode(manifest))
    data = json.dumps({**more, **known} if "manifests" not in more else known).encode()

    assert decode(data, Manifest, "it") == manifest


@given(st.binary(max_size=200) | JSON.map(lambda value: json.dumps(value).encode()))
def test_anything_else_is_refused_in_words(data: bytes) -> None:
    for kind in (Manifest, Index, ImageConfig, Descriptor):
        try:
            decode(data, kind, "What was sent")
        except InvalidDocumentError as error:
            assert str(error)  # noqa: PT017 - some examples are documents
    try:
        assert media_type_of(data, "What was sent") in {MANIFEST, INDEX, DOCKER_MANIFEST, DOCKER_INDEX}
    except InvalidDocumentError as error:
        assert str(error)  # noqa: PT017


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"[" * 100_000, "cannot be used"),
        (b'{"a":' * 100_000, "cannot be used"),
        (b'{"schemaVersion":1,"fsLayers":[]}', "schema 1"),
        (b'{"schemaVersion":2}', "neither a manifest nor an index"),
        (b'{"schemaVersion":2,"manifests":[],"layers":[]}', "both a manifest and an index"),
        (b'{"schemaVersion":2,"manifests":[],"config":{}}', "both a manifest and an index"),
        (b'{"schemaVersion":2,"manifests":[],"mediaType":"%s"}' % MANIFEST.encode(), "something else"),
        (b'{"schemaVersion":2,"layers":[],"mediaType":"text/html"}', "something else"),
        (b"<html>", "malformed"),
        (b'{"schemaVersion":2,"layers":[],"x":"%s"}' % (b" " * LARGEST), "more than"),
    ],
)
def test_what_is_no_manifest_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidDocumentError, match=reason):
        media_type_of(data, "It")


@pytest.mark.parametrize("field", [{"digest": "sha256:12"}, {"size": -1}, {"size": 1 << 60}, {"mediaType": "a b"}])
def test_a_descriptor_holds_its_rules(field: dict[str, object]) -> None:
    document = json.loads(encode(Descriptor.of(b"x", CONFIG))) | field

    with pytest.raises(InvalidDocumentError):
        decode(json.dumps(document).encode(), Descriptor, "It")


def test_a_manifest_that_was_announced_as_an_index_is_refused() -> None:
    data = encode(Manifest(schema_version=2, config=Descriptor.of(b"{}", CONFIG), layers=()))

    with pytest.raises(InvalidDocumentError, match="announced as"):
        read_manifest(data, INDEX, "It")
    with pytest.raises(InvalidDocumentError, match="announced as"):
        read_manifest(data, DOCKER_MANIFEST, "It")


@pytest.mark.parametrize(("media_type", "kind"), [(DOCKER_MANIFEST, Manifest), (DOCKER_INDEX, Index)])
def test_dockers_own_kinds_are_read(media_type: str, kind: type) -> None:
    parts: dict[str, object] = (
        {"manifests": []} if kind is Index else {"config": Descriptor.of(b"{}", CONFIG), "layers": []}
    )
    data = msgspec.json.encode({"schemaVersion": 2, "mediaType": media_type, **parts})

    assert isinstance(read_manifest(data, media_type_of(data, "it"), "it"), kind)


def test_a_configuration_of_docker_is_read() -> None:
    config = decode(DOCKERS_CONFIG, ImageConfig, "it")

    assert config.platform == Platform.parse("linux/amd64")
    assert config.config is not None
    assert config.config.cmd == ("python3",)
    assert config.config.env is None
    assert config.config.healthcheck is not None
    assert config.config.healthcheck.interval == 30_000_000_000


def test_what_we_write_is_canonical() -> None:
    config = ImageConfig(os="linux", architecture="arm64", rootfs=RootFs(type="layers", diff_ids=()))
    manifest = Manifest(schema_version=2, media_type=MANIFEST, layers=(), config=Descriptor.of(b"{}", CONFIG))

    assert encode(config) == b'{"architecture":"arm64","os":"linux","rootfs":{"diff_ids":[],"type":"layers"}}'
    assert encode(manifest) == (
        b'{"config":{"digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","mediaType":'
        b'"application/vnd.oci.image.config.v1+json","size":2},"layers":[],"mediaType":'
        b'"application/vnd.oci.image.manifest.v1+json","schemaVersion":2}'
    )
