"""Where a model's files lie, inside a service and in the cache."""

import pytest

from modelyard.errors import DigestMismatchError, NotFoundError
from modelyard.models.packing import keep_model
from modelyard.models.placement import cached_copy, only_entry, served_path
from modelyard.names import VersionRef
from modelyard.store.blobs import BlobFolder


@pytest.fixture
def models(tmp_path):
    """Lay out the folder ``models`` of a service: digits 2 and 10 as files, letters 1 as a folder."""
    for place in ("digits/2", "digits/10", "letters/1/net", "digits/notes"):
        (tmp_path / "models" / place).mkdir(parents=True)
    for file in ("digits/2/model.pkl", "digits/10/model.pkl", "letters/1/net/weights", "letters/1/.hidden"):
        (tmp_path / "models" / file).touch()
    return tmp_path / "models"


@pytest.mark.parametrize(
    ("wanted", "place"),
    [
        ("digits", "digits/10/model.pkl"),
        ("digits:2", "digits/2/model.pkl"),
        ("letters", "letters/1/net"),
    ],
)
def test_a_service_of_several_models_gives_each_by_its_name(models, wanted, place):
    assert served_path(models, VersionRef.parse(wanted)) == models / place


def test_a_service_of_one_model_gives_it(models):
    assert served_path(models / "digits" / "2", VersionRef.parse("digits")) == models / "digits/2/model.pkl"
    assert served_path(models / "digits" / "2", VersionRef.parse("digits:2")) == models / "digits/2/model.pkl"


@pytest.mark.parametrize(
    ("at", "wanted", "near"),
    [
        ("", "digit", "digits"),
        ("", "digits:3", "digits:2"),
        ("digits/2", "digits:3", "digits:2"),
        ("digits/2", "letters", "model.pkl"),
    ],
)
def test_what_a_service_has_not_is_an_error_that_names_what_it_has(models, at, wanted, near):
    with pytest.raises(NotFoundError, match=near):
        served_path(models / at, VersionRef.parse(wanted))


def test_a_folder_with_several_entries_is_given_itself(models):
    (models / "letters" / "1" / "other").touch()
    assert only_entry(models / "letters" / "1") == models / "letters" / "1"


def test_a_copy_is_made_once_and_again_when_it_is_damaged(tmp_path):
    blobs = BlobFolder(tmp_path / "blobs")
    (tmp_path / "model.pkl").write_bytes(b"weights")
    tree = keep_model(tmp_path / "model.pkl", blobs)
    place = cached_copy(tree, blobs, tmp_path / "cache")
    before = (place / "model.pkl").stat().st_ino
    assert (cached_copy(tree, blobs, tmp_path / "cache") / "model.pkl").stat().st_ino == before
    (place / "model.pkl").write_bytes(b"changed")
    assert (cached_copy(tree, blobs, tmp_path / "cache") / "model.pkl").read_bytes() == b"weights"
    assert [path.name for path in place.parent.iterdir()] == [tree.digest]


def test_nothing_appears_where_the_store_is_damaged(tmp_path):
    blobs = BlobFolder(tmp_path / "blobs")
    (tmp_path / "model.pkl").write_bytes(b"weights")
    tree = keep_model(tmp_path / "model.pkl", blobs)
    blobs.path(tree.files["model.pkl"].sha256).write_bytes(b"changed")
    with pytest.raises(DigestMismatchError, match=r"model\.pkl"):
        cached_copy(tree, blobs, tmp_path / "cache")
    assert list((tmp_path / "cache" / "models").iterdir()) == []
