from typing import Any

from modelyard.environments.lock import Lock, LockedPackage
from modelyard.errors import MissingBlobError
from modelyard.pipelines.explanation import Difference, Explanation, Kept, differences, kept_in
from modelyard.pipelines.key import Key
from modelyard.store.blobs import BlobFolder
from modelyard.store.tree import Entry, Tree

A, B = "a" * 64, "b" * 64


def _file(path: str, sha256: str = A, size: int = 10, **more: Any) -> Entry:
    return Entry(path=path, sha256=sha256, size=size, **more)


def _texts(old: dict[str, Any], new: dict[str, Any], kept: Kept | None = None) -> list[str]:
    kept = kept or Kept(tree=lambda _: None, lock=lambda _: None)
    return [one.text for one in differences(Key(leaves=old), Key(leaves=new), kept)]


def test_nothing_differs_in_the_same_key() -> None:
    assert _texts({"a": 1, "command/1": "x"}, {"command/1": "x", "a": 1}) == []


def test_a_parameter_is_told_with_both_values() -> None:
    assert _texts({"parameters/alpha": 20}, {"parameters/alpha": "20"}) == ["parameter alpha was 20, is '20'"]
    assert _texts({"parameters/alpha": True}, {"parameters/alpha": 1}) == ["parameter alpha was True, is 1"]


def test_an_argument_that_was_put_in_leaves_those_behind_it() -> None:
    old = {"command/1": "--a", "command/2": "--b"}
    new = {"command/1": "--a", "command/2": "--verbose", "command/3": "--b"}

    assert _texts(old, new) == ["argument 2 is new: '--verbose'"]
    assert _texts(new, old) == ["argument 2 is gone: it was '--verbose'"]


def test_the_value_of_a_variable_is_not_told() -> None:
    assert _texts({"variables/KEY": "1"}, {"variables/KEY": "2"}) == ["variable KEY has another value"]


def test_files_of_the_code_are_told_by_their_trees() -> None:
    trees = {
        A: Tree.of([_file("gone.py"), _file("run.sh"), _file("train.py"), _file("same.py")]),
        B: Tree.of([_file("new.py"), _file("run.sh", executable=True), _file("train.py", B, 2000), _file("same.py")]),
    }

    assert _texts({"code": A}, {"code": B}, Kept(tree=trees.get, lock=lambda _: None)) == [
        "code: gone.py is gone",
        "code: new.py is new",
        "code: run.sh is executable now",
        "code: train.py has changed (10 → 2,000 bytes)",
    ]


def test_rows_of_an_input_are_counted() -> None:
    trees = {A: Tree.of([_file("rows.csv")]), B: Tree.of([_file("rows.csv", B, 12)])}
    kept = Kept(tree=trees.get, lock=lambda _: None, rows=lambda entry: {A: 1000, B: 1200}[entry.sha256])

    assert _texts({"inputs/data": f"{A}/rows.csv"}, {"inputs/data": f"{B}/rows.csv"}, kept) == [
        "data: rows.csv has changed (1,000 → 1,200 rows, 10 → 12 bytes)"
    ]


def test_packages_of_an_environment_are_told_by_their_locks() -> None:
    locks = {
        digest: Lock(kind="resolved", platform="p", python="3.11", packages=(LockedPackage(name="x", version=version),))
        for digest, version in ((A, "1.4"), (B, "1.5"))
    }

    assert _texts({"environment": A}, {"environment": B}, Kept(tree=lambda _: None, lock=locks.get)) == [
        "environment: ~ x 1.4 -> 1.5"
    ]


def test_what_is_not_kept_any_more_is_told_by_its_digest() -> None:
    assert _texts({"code": A}, {"code": B}) == [f"code was '{A}', is '{B}'"]


def test_a_workspace_shows_what_it_keeps(tmp_path: Any) -> None:
    blobs = BlobFolder(tmp_path)
    rows = blobs.put(b"a\n1\n2\n")
    lock = Lock(kind="resolved", platform="p", python="3.11", packages=())

    def missing(digest: str) -> Tree:
        raise MissingBlobError(digest)

    kept = kept_in(missing, blobs)
    assert (kept.tree(A), kept.lock(A), kept.lock(""), kept.rows(_file("a.csv"))) == (None, None, None, None)
    assert kept.lock(blobs.put(lock.to_json())) == lock
    assert kept.rows(_file("a.csv", rows)) == 3
    assert kept.rows(_file("a.bin", rows)) is None


def test_an_explanation_reads_as_a_line_or_as_several() -> None:
    one = Difference(leaf="parameters/a", old=1, new=2, text="parameter a was 1, is 2")

    assert str(Explanation(step="train", because="same")) == "train reused: nothing that counts has changed"
    assert str(Explanation(step="train", because="changed", differences=(one,))) == (
        "train runs: parameter a was 1, is 2"
    )
    assert str(Explanation(step="train", because="missing", detail="model")).endswith("any more (model)")
    assert str(Explanation(step="train", because="changed", differences=(one,) * 22)).splitlines()[-1] == "  and 2 more"
