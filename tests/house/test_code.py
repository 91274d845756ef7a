"""What code may not do, read from its syntax."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.house.source import modules, name, python_files

# Loading any of these runs what the data says. File: names allowed there, with the reason beside it.
RUNS_DATA = {"pickle", "cPickle", "_pickle", "cloudpickle", "joblib", "dill", "shelve", "marshal"}
RUNS_TEXT = {"eval", "exec", "compile", "__import__"}
ALLOWED: dict[str, set[str]] = {
    # The user asks for this pickle to be converted: it is read in a process of its own, never in ours.
    "toolkit/modelyard/sdk/model/conversion.py": {"pickle", "joblib"},
}

# An `except Exception` that does not raise is for the edges: where a user's code or a converter is run, and where a
# process answers for all that it does. File: how many, and the reason.
BROAD_ALLOWED: dict[str, tuple[int, str]] = {
    "scoring/modelyard_scoring/queues/batch.py": (2, "a model or script may raise anything, and the queue goes on"),
    "scoring/modelyard_scoring/engines/application/asgi.py": (1, "an application may raise anything"),
    "scoring/modelyard_scoring/engines/application/wsgi.py": (1, "an application may raise anything"),
    "scoring/modelyard_scoring/command/inspection.py": (1, "a model that does not take a made-up row may take others"),
    "scoring/modelyard_scoring/command/check.py": (1, "a script may raise anything, and the check answers for it"),
    "scoring/modelyard_scoring/telemetry/log.py": (1, "what cannot be logged must not end what is served"),
    "scoring/modelyard_scoring/scripts/runner.py": (1, "a script may raise anything, and the start answers for it"),
    "scoring/modelyard_scoring/scripts/script.py": (2, "a script may raise anything, and the next request goes on"),
    "scoring/modelyard_scoring/http1/server.py": (1, "the edge: a bug must not end the others' requests"),
    "scoring/modelyard_scoring/queues/startup.py": (1, "a model that cannot take joined rows runs them one by one"),
    "scoring/modelyard_scoring/turns.py": (1, "the edge: a bug must not end the others' requests"),
    "scoring/modelyard_scoring/worker.py": (1, "a script may raise anything, and the start answers for it"),
    "toolkit/modelyard/sdk/run/heartbeat.py": (1, "whatever stops one sign of life must not stop the next"),
    "toolkit/modelyard/sdk/model/conversion.py": (1, "a pickle runs any code, which raises whatever it likes"),
    "toolkit/modelyard/runner/holder.py": (1, "whatever stops one renewal must not stop the next"),
    "toolkit/modelyard/runner/runner.py": (4, "a step may raise anything, and what else is due goes on"),
    "toolkit/modelyard/onnx/conversion.py": (1, "converters and the runtime raise what they like"),
    "toolkit/modelyard/onnx/original.py": (1, "the estimator is the user's"),
    "toolkit/modelyard/onnx/parity.py": (2, "onnxruntime raises a kind of its own for each status"),
    "toolkit/modelyard/sdk/run/supervisor.py": (1, "the edge: no bug may leave a run without an end"),
    "toolkit/modelyard/tracking/beats.py": (1, "whatever stops one sign of life must not stop the next"),
}

# Where keys are, `==` and its like would tell by the time they take how much of a guess is right: `hmac.compare_digest`
# does not. What else is compared there, and the reason.
COMPARED: dict[str, str] = {
    "getattr(former, name) != getattr(settings, name)": "settings that a reload leaves as they are",
    "identity == self._seen": "the time, number and size of a file",
    "scheme.lower() != b'bearer'": "the word before the key",
    "settings.tls_client_certificates == 'required'": "a setting",
}


def _dangerous(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names if alias.name.split(".")[0] in RUNS_DATA)
            case ast.ImportFrom(module=str(module)) if module.split(".")[0] in RUNS_DATA:
                yield module
            case ast.Call(func=ast.Name(id=called)) if called in RUNS_TEXT:
                yield called
            case ast.Attribute(
                value=ast.Name(id="yaml"), attr="load" | "load_all" | "unsafe_load" | "full_load" as attr
            ):
                yield f"yaml.{attr}"
            case ast.Call(keywords=keywords) if any(
                word.arg == "allow_pickle" and getattr(word.value, "value", True) is not False for word in keywords
            ):
                yield "allow_pickle"


def _broad(tree: ast.AST) -> Iterator[ast.ExceptHandler]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ExceptHandler):
            caught = node.type.elts if isinstance(node.type, ast.Tuple) else [node.type]
            names = {kind.id for kind in caught if isinstance(kind, ast.Name)}
            passed_on = isinstance(node.body[-1], ast.Raise)
            if not passed_on and (node.type is None or names & {"Exception", "BaseException"}):
                yield node


def _compared(tree: ast.AST) -> Iterator[str]:
    """List what is compared in a time that depends on what it is."""
    for node in ast.walk(tree):
        match node:
            case ast.Compare(ops=ops) if any(isinstance(one, ast.Eq | ast.NotEq | ast.In | ast.NotIn) for one in ops):
                yield ast.unparse(node)
            case ast.Call(func=ast.Attribute(attr="startswith" | "endswith" | "__eq__" | "index" | "find")):
                yield ast.unparse(node)
            case ast.Match():
                yield ast.unparse(node.subject)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("import pickle", ["pickle"]),
        ("from joblib import load", ["joblib"]),
        ("eval(x)", ["eval"]),
        ("yaml.load(x)", ["yaml.load"]),
        ("yaml.safe_load(x)", []),
        ("numpy.load(x, allow_pickle=True)", ["allow_pickle"]),
        ("numpy.load(x, allow_pickle=False)", []),
        ("re.compile(x)", []),
    ],
)
def test_the_rule_sees_what_it_should(text: str, found: list[str]) -> None:
    assert list(_dangerous(ast.parse(text))) == found


def test_nothing_shipped_runs_what_data_says() -> None:
    found = {(name(path), what) for path in modules() for what in _dangerous(_parsed(path))}

    assert {(where, what) for where, what in found if what not in ALLOWED.get(where, set())} == set()


def test_only_the_edges_catch_everything() -> None:
    found = {name(path): len(list(_broad(_parsed(path)))) for path in modules()}

    assert {where: count for where, count in found.items() if count} == {
        where: count for where, (count, _) in BROAD_ALLOWED.items()
    }


def test_the_exceptions_to_the_rule_on_data_are_still_needed() -> None:
    shipped = {name(path): set(_dangerous(_parsed(path))) for path in modules()}

    assert {where: what & shipped.get(where, set()) for where, what in ALLOWED.items()} == ALLOWED


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("key == self.key", ["key == self.key"]),
        ("a and key not in keys", ["key not in keys"]),
        ("key.startswith(b'x')", ["key.startswith(b'x')"]),
        ("hmac.compare_digest(key, self.key)", []),
        ("key is None", []),
    ],
)
def test_the_rule_sees_comparisons_that_take_their_time(text: str, found: list[str]) -> None:
    assert list(_compared(ast.parse(text))) == found


def test_keys_are_compared_in_constant_time() -> None:
    rooms = [path for path in modules() if name(path).startswith("scoring/modelyard_scoring/credentials/")]
    trees = [_parsed(path) for path in rooms]

    assert {one for tree in trees for one in _compared(tree)} == set(COMPARED)
    assert sum(ast.unparse(tree).count("hmac.compare_digest(given, ") for tree in trees) == 2  # for two keys


def test_no_module_keeps_state_by_global() -> None:
    found = [
        f"{name(path)}:{node.lineno}"
        for path in modules()
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.Global)
    ]

    assert found == []


def test_no_test_skips_without_a_reason_that_is_said() -> None:
    found = [
        f"{name(path)}:{node.lineno}"
        for path in python_files()
        for node in ast.walk(_parsed(path))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "pytest.skip" and not node.args
    ]

    assert found == []


def test_unit_tests_neither_sleep_nor_use_the_real_services() -> None:
    unit = [path for path in python_files() if name(path).startswith("tests/unit/")]
    services = {"docker_engine", "image_registry", "postgres_server", "postgres_url", "empty_postgres_url", "chromium"}
    found = [
        f"{name(path)}:{node.lineno}"
        for path in unit
        for node in ast.walk(_parsed(path))
        if (isinstance(node, ast.Call) and ast.unparse(node.func) in {"time.sleep", "sleep"})
        or (isinstance(node, ast.arg) and node.arg in services)
    ]

    assert found == []


def _parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))
