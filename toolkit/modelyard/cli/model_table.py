"""How models look in a terminal."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence

from modelyard.cli.output import print_facts, print_table
from modelyard.models.model import AliasMove, ModelAlias, ModelVersion
from modelyard.models.signature import Field
from modelyard.sdk.model.model import Model


def print_models(found: Sequence[ModelVersion]) -> None:
    """Print versions as a table."""
    headings = ("MODEL", "ALIASES", "FRAMEWORK", "FILES", "BYTES", "CREATED (UTC)", "RUN", "TAGS")
    print_table(headings, (_row(one) for one in found), "There are no such models.")


def print_model(model: Model) -> None:
    """Print what is known of a version, and where it came from."""
    info = model.info
    facts: list[tuple[str, object]] = [
        ("model", info.id),
        ("aliases", ", ".join(info.aliases)),
        ("description", info.description),
        ("created", info.created.isoformat(timespec="seconds")),
        ("framework", " ".join(part for part in (info.framework, info.framework_version) if part)),
        ("files", f"{info.entry} ({info.files} files, {info.size:,} bytes)"),
        ("tree", info.tree),
        ("tags", _labels(info.tags)),
        ("properties", _labels(info.properties)),
    ]
    if info.signature is not None:
        facts += [(f"takes {info.signature.form}", _fields(info.signature.inputs))]
        facts += [("gives", _fields(info.signature.outputs))]
    if (proof := model.certificate) is not None:
        flips = f"{proof.flips} labels flipped"
        facts += [("parity", f"{proof.verdict} ({proof.recipe}): largest difference {proof.largest:.3g}, {flips}")]
    facts += model.lineage().facts()
    print_facts([(name, value) for name, value in facts if value not in (None, "")])


def print_aliases(found: Iterable[ModelAlias]) -> None:
    """Print aliases as a table."""
    rows = [(one.alias, f"{one.name}:{one.version}", _time(one.moved)) for one in found]
    print_table(("ALIAS", "POINTS TO", "SINCE (UTC)"), rows, "There are no aliases.")


def print_moves(moves: Iterable[AliasMove]) -> None:
    """Print moves of aliases as a table, the newest first."""
    rows = [(_time(one.moved), one.alias, one.before or "-", one.after or "-", one.who, one.why) for one in moves]
    print_table(("WHEN (UTC)", "ALIAS", "FROM", "TO", "WHO", "WHY"), rows, "No alias was ever moved.")


def _row(one: ModelVersion) -> tuple[object, ...]:
    facts = (one.framework, one.files, f"{one.size:,}", _time(one.created), one.run_id)
    return (one.id, ", ".join(one.aliases), *facts, _labels(one.tags))


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f"{name}={value}" if value else name for name, value in labels.items())


def _fields(fields: Sequence[Field]) -> str:
    shown = [f"{one.name} {one.type}{_shape(one)}{' or missing' if one.nullable else ''}" for one in fields[:12]]
    return ", ".join(shown) + (f" and {len(fields) - 12} more" if len(fields) > 12 else "")


def _shape(field: Field) -> str:
    return "".join(f"[{'n' if size is None else size}]" for size in field.shape)


def _time(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M")
