"""What registries ask for when they answer 401."""

from hypothesis import given
from hypothesis import strategies as st

from modelyard.images.oci.challenge import Challenge, read_challenges

WORDS = st.from_regex(r"\A[a-z][a-z0-9]{0,6}\Z")
CHALLENGES = st.builds(
    Challenge,
    scheme=WORDS,
    parameters=st.dictionaries(WORDS, st.from_regex(r"\A[ -~]{0,20}\Z"), min_size=1, max_size=3),
)


def _written(challenge: Challenge) -> str:
    quoted = {key: value.replace("\\", "\\\\").replace('"', '\\"') for key, value in challenge.parameters.items()}
    return f"{challenge.scheme} " + ",".join(f'{key}="{value}"' for key, value in quoted.items())


def test_the_challenge_of_a_token_service_is_read() -> None:
    header = 'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:a/b:pull,push"'
    parameters = {
        "realm": "https://auth.example/token",
        "service": "registry.example",
        "scope": "repository:a/b:pull,push",
    }

    assert list(read_challenges([header])) == [Challenge(scheme="bearer", parameters=parameters)]


def test_several_challenges_are_read_from_one_header_and_from_several() -> None:
    headers = ['Basic realm=simple, BEARER Realm = "x"', "Negotiate"]

    assert [(one.scheme, one.parameters) for one in read_challenges(headers)] == [
        ("basic", {"realm": "simple"}),
        ("bearer", {"realm": "x"}),
        ("negotiate", {}),
    ]


@given(st.lists(CHALLENGES, min_size=1, max_size=3))
def test_challenges_are_read_as_they_are_written(challenges: list[Challenge]) -> None:
    assert list(read_challenges([", ".join(map(_written, challenges))])) == challenges


@given(st.text(max_size=60))
def test_any_header_is_read(header: str) -> None:
    for challenge in read_challenges([header, header * 500]):
        assert challenge.scheme == challenge.scheme.lower()
