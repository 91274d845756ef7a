"""The reference names all that there is."""

import re
from pathlib import Path

import msgspec
import pytest

from modelyard_scoring.answers import STATUS
from modelyard_scoring.engines import OWN
from modelyard_scoring.service.folder import Code, Limits, Sample, ServedModel, Service
from modelyard_scoring.service.signature import Field, Signature
from modelyard_scoring.settings import OPTIONS
from modelyard_scoring.telemetry.exposition import write_text
from modelyard_scoring.telemetry.metrics import PHASES, Metrics

PAGE = (Path(__file__).parents[3] / "docs/reference/model-folder.md").read_text()


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_option_and_its_default(option):
    (line,) = [one for one in PAGE.splitlines() if one.startswith(f"| `--{option.name.replace('_', '-')}` |")]
    default = (
        "none"
        if option.default is None
        else f"{option.default:g}"
        if isinstance(option.default, float)
        else option.default
    )
    assert line.endswith(f"| {default} |")


@pytest.mark.parametrize("code", sorted(set(STATUS) - {"bad-request"}))
def test_every_code_and_its_status(code):
    (line,) = [one for one in PAGE.splitlines() if one.startswith("| `") and f"`{code}`" in one.split("|")[1]]
    assert line.split("|")[2].strip() == str(STATUS[code])


@pytest.mark.parametrize("struct", [Service, ServedModel, Code, Limits, Sample, Signature, Field])
def test_every_name_in_service_json(struct):
    for field in msgspec.structs.fields(struct):
        assert f"`{field.name}`" in PAGE or f'"{field.name}"' in PAGE


def test_every_engine_and_phase():
    for name in [*OWN, *PHASES[1:-1]]:
        assert f"`{name}`" in PAGE


def test_limits_have_the_defaults_that_the_page_says():
    for name, default in msgspec.to_builtins(Limits()).items():
        assert f"| {default:g} |".replace("1.67772e+07", "16777216") in next(
            line for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")
        )


def test_every_metric():
    families = re.findall(r"^# TYPE modelyard_scoring_(\S+)", write_text(Metrics(1), {}).decode(), re.MULTILINE)
    assert [name for name in families if f"`{name}`" not in PAGE.partition("## Metrics")[2]] == []
