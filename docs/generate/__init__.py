"""The pages of docs/reference that are made from the code: ``make docs`` writes them, a test compares them."""

from pathlib import Path

from docs.generate import api, commands, errors, settings

REFERENCE = Path(__file__).resolve().parents[1] / "reference"


def pages() -> dict[str, str]:
    """Give each page by the name of its file."""
    return {"api.md": api.page(), "cli.md": commands.page(), "errors.md": errors.page(), "settings.md": settings.page()}
