"""Every error crosses the wire: its facts, as JSON, make the same error again."""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import pytest

from modelyard import errors
from modelyard.errors import ModelyardError, error_classes, nearest


def _loaded() -> Iterator[type[ModelyardError]]:
    for file in sorted(Path(errors.__file__).parent.glob("*/errors.py")):
        import_module(f"modelyard.{file.parent.name}.errors")
    yield from (one for one in dict.fromkeys(error_classes()) if one.__module__.startswith("modelyard."))


CLASSES = [one for one in _loaded() if "__init__" in vars(one)]


def _example(kind: Any, name: str) -> Any:
    simple = {int: 7, float: 7.0, bool: False, str: f"some {name}"}
    if kind in simple:
        return simple[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind(**{one.name: _example(one.type, one.name) for one in msgspec.structs.fields(kind) if one.required})
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    return _filled(get_origin(kind), get_args(kind), name)


def _filled(origin: Any, arguments: tuple[Any, ...], name: str) -> Any:
    assert arguments, f"no example for {name}: add one"
    examples = tuple(_example(one, name) for one in arguments if one not in (Ellipsis, type(None)))
    if origin in (dict, Mapping):
        return {examples[0]: examples[1]}
    return examples if origin in (Sequence, tuple, list) else examples[0]


@pytest.mark.parametrize("kind", CLASSES, ids=lambda one: one.__name__)
def test_the_facts_of_an_error_make_it_again(kind: type[ModelyardError]) -> None:
    hints = get_type_hints(kind.__init__)
    given = {name: _example(hints[name], name) for name in inspect.signature(kind).parameters}
    error = kind(**given)

    sent = msgspec.json.decode(msgspec.json.encode(error.facts))
    again = kind(**{name: msgspec.convert(value, hints[name]) for name, value in sent.items()})

    assert set(error.facts) == set(given)
    assert str(again) == str(error)
    assert msgspec.json.encode(again.facts) == msgspec.json.encode(error.facts)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda one: one.__name__)
def test_an_error_has_a_code_of_its_own(kind: type[ModelyardError]) -> None:
    assert [one for one in CLASSES if one.code == kind.code] == [kind]


def test_the_nearest_names_come_first() -> None:
    assert nearest("digit", ["apple", "zebra", "digits"])[0] == "digits"
    assert len(nearest("a", [f"n{i}" for i in range(50)])) == 8
