import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelyard.environments.contents import PrivateWheel, Variable
from modelyard.environments.errors import InvalidRequirementError, InvalidSpecificationError
from modelyard.environments.specification import EnvironmentSpec, normalise, requirement

names = st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,5}([-_.][A-Za-z0-9]{1,4})?", fullmatch=True)
versions = st.from_regex(r"[0-9]{1,2}(\.[0-9]{1,2}){0,2}((a|b|rc)[0-9])?", fullmatch=True)
bounds = st.builds(lambda o, v: o + v, st.sampled_from(["==", ">=", "<", "!=", "<=", ">"]), versions)
extras = st.lists(names, max_size=2).map(lambda e: f"[{','.join(e)}]" if e else "")
markers = st.sampled_from(["", ' ; python_version < "3.9"', ' ; sys_platform == "linux" and extra == "x"'])
requirements = st.builds(
    lambda n, e, b, m: n + e + ",".join(b) + m, names, extras, st.lists(bounds, max_size=3), markers
)


@given(requirements)
def test_the_normal_form_of_a_requirement_is_its_own_normal_form(text):
    once = requirement(text, "test", 0)
    assert requirement(once, "test", 0) == once


@given(st.lists(requirements, max_size=5), st.randoms())
def test_the_digest_does_not_depend_on_order_or_doubles(texts, random):
    shuffled = [*texts, *texts[:1]]
    random.shuffle(shuffled)
    one, other = (EnvironmentSpec.create(t, python="3.11") for t in (texts, shuffled))
    assert one.digest == other.digest


def test_spelling_does_not_matter():
    assert normalise(["Scikit_Learn >= 1.4, < 2"]) == normalise(["scikit-learn<2,>=1.4"]) == ("scikit-learn<2,>=1.4",)


@pytest.mark.parametrize(
    "change",
    [
        {"python": "3.12"},
        {"requirements": ("six",)},
        {"constraints": ("six<2",)},
        {"wheels": (PrivateWheel(filename="a-1-py3-none-any.whl", sha256="0" * 64),)},
        {"index": "https://index.example/simple"},
        {"system_packages": ("libgomp1",)},
        {"variables": (Variable(name="A", value="b"),)},
        {"allow_source_builds": True},
    ],
)
def test_what_changes_the_content_changes_the_digest(change):
    plain = EnvironmentSpec(python="3.11")
    assert EnvironmentSpec(**{"python": "3.11"} | change).digest != plain.digest


def test_name_source_and_notes_leave_the_digest_alone():
    plain = EnvironmentSpec(python="3.11")
    assert EnvironmentSpec(python="3.11", name="train", source="name: x", notes=("n",)).digest == plain.digest


@pytest.mark.parametrize("address", ["https://user:word@host/simple", "https://tok@host/s", "https://host/s?token=a"])
def test_an_index_with_credentials_is_refused_and_the_secret_not_shown(address):
    with pytest.raises(InvalidSpecificationError, match="credentials are not kept") as raised:
        EnvironmentSpec(python="3.11", index=address)
    assert not any(secret in str(raised.value) for secret in ("word", "tok", "token=a"))


@pytest.mark.parametrize(
    "field",
    [
        {"python": "3.11.4"},
        {"python": "2.7"},
        {"index": "ftp://host"},
        {"system_packages": ("rm -rf /",)},
        {"variables": (Variable(name="A=B", value=""),)},
        {"variables": (Variable(name="A", value="1"), Variable(name="A", value="2"))},
    ],
)
def test_fields_that_break_their_rule_are_refused(field):
    with pytest.raises(InvalidSpecificationError):
        EnvironmentSpec(**{"python": "3.11"} | field)


@pytest.mark.parametrize("text", ["", "a b", "six=1", "-e .", "six @ https://host/six.whl"])
def test_what_cannot_be_locked_is_refused(text):
    with pytest.raises(InvalidRequirementError):
        EnvironmentSpec.create([text])
