"""Steps stay what they look like: one instruction each, of a kind that leaves alone what an image starts."""

import pytest

from modelyard.images.errors import InvalidImageError
from modelyard.images.steps import check_package, instructions


def test_steps_are_joined_where_they_go_on_and_comments_are_left_out() -> None:
    lines = ["# fonts", "RUN apt-get update \\", "  # more", "  && true", "env A=1", "LABEL team=x"]
    assert instructions(lines) == ("RUN apt-get update   && true", "ENV A=1", "LABEL team=x")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["FROM evil"], "base_image"),
        (["COPY /etc /x"], "source_directory"),
        (["USER root"], "65532"),
        (['ENTRYPOINT ["sh"]'], "RUN, ENV"),
        (["ONBUILD RUN x"], "RUN, ENV"),
        (["RUN true\nUSER root"], "control"),
        (["RUN true\rUSER root"], "control"),
        (["RUN true \\", "USER root \\"], "backslash"),
        (["RUN cat <<EOF"], "<<"),
        (["RUN --mount=type=bind,target=/x true"], "options"),
        (["RUN"], "nothing"),
        (["-RUN x"], "RUN, ENV"),
        (["$(id)"], "RUN, ENV"),
        (["RUN\ttrue"], "RUN, ENV"),
    ],
)
def test_what_would_be_another_instruction_is_refused(lines: list[str], said: str) -> None:
    with pytest.raises(InvalidImageError, match=said):
        instructions(lines)


def test_an_instruction_after_a_backslash_is_part_of_the_first() -> None:
    assert instructions(["RUN true \\", "USER root"]) == ("RUN true USER root",)


@pytest.mark.parametrize("name", ["libgomp1", "g++", "libc6=2.36-9+deb12u10", "0ad"])
def test_names_of_packages_are_taken(name: str) -> None:
    assert check_package(name) == name


@pytest.mark.parametrize(
    "name", ["", "-y", "--allow", "a b", "a;id", "$(id)", "a\nb", "../x", "./x.deb", "A", "a'b", 'a"b', "a=", "a=$(id)"]
)
def test_what_is_no_name_of_a_package_is_refused(name: str) -> None:
    with pytest.raises(InvalidImageError, match="system package"):
        check_package(name)
