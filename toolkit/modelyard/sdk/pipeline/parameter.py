"""Parameters of a pipeline, that each run may give anew."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from urllib.parse import quote, unquote

from msgspec import Struct, structs

from modelyard.errors import InvalidValueError
from modelyard.names import check_name
from modelyard.pipelines.graph import Value

_TEXT = re.compile(r"\$\{\{parameters\.([A-Za-z0-9._-]+)=([^}]*)\}\}")


class PipelineParameter(Struct, frozen=True):
    """A value of a pipeline that each run may give anew; it stands in the arguments of steps.

    Its text, in an f-string, stands for its value too.

    Parameters
    ----------
    name
        1 to 128 characters of ``A-Z a-z 0-9 . _ -``, the first a letter or a digit.
    default_value
        A text, number or truth value; what a run gives must be of this type.

    Raises
    ------
    InvalidValueError
        If the default is of another type, or is no number.
    """

    name: str
    default_value: Value

    def __post_init__(self) -> None:
        check_name("a parameter", self.name)
        structs.force_setattr(self, "default_value", check_value(f"parameter {self.name!r}", self.default_value))

    @property
    def placeholder(self) -> str:
        """What stands for the value in a graph."""
        return f"${{{{parameters.{self.name}}}}}"

    def __str__(self) -> str:
        """Write a text that `read_texts` finds again, with the default in it."""
        return f"${{{{parameters.{self.name}={quote(json.dumps(self.default_value), safe='')}}}}}"


def check_value(what: str, value: object) -> Value:
    """Return `value` as a plain text, number or truth value.

    Raises
    ------
    InvalidValueError
        If it is none, or a number that cannot be written.
    """
    match value:  # as one of just these types: a number of NumPy would be another key
        case bool():
            return value
        case int():
            return int(value)
        case float() if math.isfinite(value):
            return float(value)
        case float():
            raise InvalidValueError(what, f"{value} cannot be written; give a number, or a text")
        case str() if not _is_unicode(value):
            raise InvalidValueError(what, f"{ascii(value)[:60]} is not valid unicode")
        case str():
            return str(value)
    raise InvalidValueError(what, f"give a text, number, True or False, not {type(value).__name__} {value!r:.60}")


def read_texts(text: str, seen: Callable[[PipelineParameter], None]) -> str:
    """Replace the texts of parameters by their placeholders, and tell `seen` of each."""

    def placeholder(match: re.Match[str]) -> str:
        parameter = PipelineParameter(match[1], json.loads(unquote(match[2])))
        seen(parameter)
        return parameter.placeholder

    return _TEXT.sub(placeholder, text)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
