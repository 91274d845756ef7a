"""How the files of a table are written."""

from __future__ import annotations

from msgspec import Struct

from modelyard.errors import InvalidValueError


class Delimited(Struct, frozen=True, kw_only=True, tag_field="type", tag="delimited"):
    """Text with a character between the fields of a line (CSV); fields may be in double quotes.

    Parameters
    ----------
    delimiter
        One character.
    header
        Whether the first line of each file names the columns; without it they are ``column1``, ``column2``, …
    encoding
        As Python calls it.
    missing
        What a field holds that has no value.
    """

    delimiter: str = ","
    header: bool = True
    encoding: str = "utf-8"
    missing: tuple[str, ...] = ("",)

    def check(self) -> None:
        """Check each field.

        Raises
        ------
        InvalidValueError
            If one cannot be.
        """
        if len(self.delimiter) != 1 or self.delimiter in '"\r\n' or not self.delimiter.isascii():
            raise InvalidValueError(f"delimiter {self.delimiter!r}", "write one ASCII character, such as ',' or '\\t'")
        try:
            "".encode(self.encoding)
        except (LookupError, ValueError):
            raise InvalidValueError(f"encoding {self.encoding!r}", "write one that Python knows, as latin-1") from None


class Parquet(Struct, frozen=True, kw_only=True, tag_field="type", tag="parquet"):
    """Parquet, which knows its columns and their types."""

    def check(self) -> None:
        """Accept."""


class JsonLines(Struct, frozen=True, kw_only=True, tag_field="type", tag="json-lines"):
    """One JSON object a line; a field that a line does not have is missing there."""

    def check(self) -> None:
        """Accept."""


Format = Delimited | Parquet | JsonLines
"""How a table is read. `tabular` knows how each is."""
