"""The reference pages name every command, error, setting and public name, as the code has them."""

import pytest
from docs.generate import REFERENCE, api, commands, errors, pages, settings
from docs.generate.prose import markdown


@pytest.fixture(scope="module")
def committed() -> dict[str, str]:
    return {path.name: path.read_text() for path in REFERENCE.glob("*.md")}


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    return pages()


@pytest.mark.parametrize("name", ["api.md", "cli.md", "errors.md", "settings.md"])
def test_the_page_is_what_make_docs_writes(committed: dict[str, str], made: dict[str, str], name: str) -> None:
    assert committed[name] == made[name], f"docs/reference/{name} is not of this code: run `make docs`"


def test_every_command_is_named(committed: dict[str, str]) -> None:
    paths = [context.command_path for context in commands.contexts()]

    assert len(paths) > 3
    assert [path for path in paths if f" {path}\n" not in committed["cli.md"]] == []


def test_every_command_says_what_it_does_and_shows_an_example() -> None:
    leaves = [context for context in commands.contexts() if not hasattr(context.command, "commands")]

    assert [context.command_path for context in leaves if not context.command.help] == []
    assert [context.command_path for context in leaves if "modelyard " not in (context.command.help or "")] == []


def test_the_marks_of_preformatted_help_are_not_printed() -> None:
    raw = [context.command_path for context in commands.contexts() if "\\b" in (context.command.help or "")]

    assert raw == [], "in a raw docstring \\b is two characters, not the mark that click reads"


def test_every_error_is_named(committed: dict[str, str]) -> None:
    found = errors.classes()

    assert len(found) > 10
    assert [error for error in found if f"{error.__module__}.{error.__name__}\n" not in committed["errors.md"]] == []
    assert [error for error in found if not error.__doc__] == []


def test_no_two_errors_of_a_package_share_a_code() -> None:
    codes = [
        (error.__module__.split(".")[0], vars(error)["code"]) for error in errors.classes() if "code" in vars(error)
    ]

    assert sorted(codes) == sorted(set(codes))


def test_every_setting_is_named(committed: dict[str, str]) -> None:
    read = settings.variables()

    assert "MODELYARD_HOME" in read
    assert [name for name in read if f"`{name}`" not in committed["settings.md"]] == []


def test_every_public_name_is_named(committed: dict[str, str]) -> None:
    names = [name for name, _ in api.public()]

    assert "modelyard.Workspace" in names
    assert [name for name in names if f"## {name}\n" not in committed["api.md"]] == []


def test_a_docstring_becomes_markdown() -> None:
    text = """Do it ``well``.

    Parameters
    ----------
    name
        What it is
        called.

    Raises
    ------
    ValueError
        If not.
    """

    assert markdown(text) == (
        "Do it `well`.\n\n**Parameters**\n\n- `name`: What it is called.\n\n**Raises**\n\n- `ValueError`: If not."
    )
