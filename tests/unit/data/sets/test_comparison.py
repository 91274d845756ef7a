"""What differs between two versions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from modelyard.data.sets.comparison import compare
from modelyard.data.sets.profile import ColumnProfile, Frequency, Profile
from modelyard.store.tree import Entry, Tree

files = st.dictionaries(st.sampled_from("abcd"), st.sampled_from("01"), max_size=4)


def tree(content: dict[str, str]) -> Tree:
    return Tree.of([Entry(path=path, sha256=digit * 64) for path, digit in content.items()])


def column(name: str, **facts: object) -> ColumnProfile:
    return ColumnProfile(**{"name": name, "type": "number", "count": 2, "missing": 0, **facts})


@settings(max_examples=40)
@given(files, files)
def test_a_difference_leads_from_the_one_to_the_other(before: dict[str, str], after: dict[str, str]) -> None:
    found = compare(("x:1", tree(before), None), ("x:2", tree(after), None))

    assert {*before} - {*found.removed} | {*found.added} == {*after}
    assert {path for path in before if after.get(path, before[path]) != before[path]} == {*found.changed}
    assert found.is_empty == (before == after) == (str(found) == "no difference")


def test_columns_are_compared_fact_by_fact() -> None:
    texts = (Frequency(value="a", count=2),)
    before = Profile(rows=2, columns=(column("same"), column("gone"), column("x", mean=1.5, type="integer")))
    after = Profile(rows=3, columns=(column("same"), column("x", mean=1.75, frequent=texts), column("new")))
    found = compare(("x:1", tree({}), before), ("x:2", tree({"a": "0"}), after))

    assert (found.rows, found.columns_added, found.columns_removed) == ((2, 3), ("new",), ("gone",))
    assert [one.differs for one in found.columns_changed] == [("type", "mean", "frequent")]
    assert str(found).splitlines() == [
        "file added: a",
        "rows: 2 → 3",
        "column added: new",
        "column removed: gone",
        "column x: type integer → number",
        "column x: mean 1.5 → 1.75",
        "column x: frequent () → ('a' x 2)",
    ]
