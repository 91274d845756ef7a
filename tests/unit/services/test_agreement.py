"""Whether two answers say the same."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.services.agreement import Answer, Difference, difference

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


def differ(old, new, tolerance=1e-5):
    """Compare two bodies: values are written as JSON."""
    answers = [
        Answer(status=200, body=one if isinstance(one, bytes) else msgspec.json.encode(one)) for one in (old, new)
    ]
    return difference(*answers, tolerance)


@given(JSON)
def test_an_answer_says_the_same_however_it_is_written(value) -> None:
    written = Answer(status=200, body=msgspec.json.format(msgspec.json.encode(value), indent=2))

    assert difference(Answer(status=200, body=msgspec.json.encode(value)), written, 0.0) is None


@given(JSON, JSON)
def test_the_order_of_two_answers_does_not_matter(one, other) -> None:
    assert (differ(one, other) is None) == (differ(other, one) is None)


@pytest.mark.parametrize(
    ("old", "new"),
    [([1.0], [1.000001]), ([1e9], [1e9 + 1.0]), ([0.0], [1e-6]), ([1.0], [1]), ({"a": 1, "b": 2}, {"b": 2, "a": 1})],
)
def test_what_is_within_the_tolerance_is_the_same(old, new) -> None:
    assert differ(old, new) is None


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ({"data": [[0.5, 1.0]]}, {"data": [[0.5, 1.1]]}, ("$.data[0][1]", "1.0", "1.1")),
        ([100000], [100001], ("$[0]", "100000", "100001")),
        ([True], [1], ("$[0]", "True", "1")),
        ([None], [0.0], ("$[0]", "None", "0.0")),
        (["cat"], ["dog"], ("$[0]", "'cat'", "'dog'")),
        ([1, 2], [1], ("$", "2 values", "1 values")),
        ({"a": 1}, {"b": 1}, ("$", "1 names", "1 names")),
        ({"a": {}}, {"a": []}, ("$.a", "0 names", "0 values")),
    ],
)
def test_what_differs_is_shown_with_its_place(old, new, found) -> None:
    assert differ(old, new) == Difference(where=found[0], old=found[1], new=found[2])


def test_another_status_is_a_difference_whatever_else_is_the_same() -> None:
    found = difference(Answer(status=200, body=b"1"), Answer(status=500, body=b"1"), 1e-5)

    assert found == Difference(where="status", old="200", new="500")


@pytest.mark.parametrize("body", [b"\xff\xfe", b"", b"[" * 100_000, b"9" * 100_000, b'"\xff"', b"[NaN]"])
def test_what_is_no_json_is_compared_by_its_bytes(body) -> None:
    assert differ(body, body) is None
    assert differ(body, b"other").where == "bytes"


def test_json_that_is_too_deep_is_compared_by_its_bytes() -> None:
    deep = b"[" * 900 + b"1" + b"]" * 900

    assert differ(deep, deep.replace(b"1", b"2")) is not None


def test_who_answered_is_no_difference_in_the_inference_protocol() -> None:
    answer = {"model_name": "m", "model_version": "1", "id": "a", "outputs": [1.0]}

    assert differ(answer, {**answer, "model_version": "2"}) is None
    assert differ(answer, {**answer, "outputs": [2.0]}).where == "$.outputs[0]"


def test_tensors_in_binary_form_are_compared_behind_their_json() -> None:
    def packed(version: str, tensor: bytes) -> Answer:
        head = msgspec.json.encode({"model_version": version, "outputs": []})
        return Answer(status=200, body=head + tensor, head=len(head))

    assert difference(packed("1", b"\1\2"), packed("22", b"\1\2"), 1e-5) is None
    assert difference(packed("1", b"\1\2"), packed("22", b"\1\3"), 1e-5).where == "bytes"


def test_what_is_shown_is_short() -> None:
    found = differ({"n" * 1000: "a" * 1000}, {"n" * 1000: "b"})

    assert max(map(len, msgspec.structs.astuple(found))) <= 101
