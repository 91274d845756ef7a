"""``modelyard environment``: register environments, lock and compare them, and make them on this machine."""

from __future__ import annotations

from typing import Any

import click

from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, print_table, spinner, where
from modelyard.environments.comparison import diff as difference
from modelyard.environments.lock import Lock
from modelyard.names import VersionRef
from modelyard.sdk.environment import Environment, environment_cache
from modelyard.sdk.model.model import Model
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings

_DAY = 86400.0


@click.group(name="environment")
def command() -> None:
    """Register environments, lock and compare them, and make them on this machine.

    An ENVIRONMENT is NAME (its newest version) or NAME:VERSION.
    """


@command.command()
@click.argument("name")
@click.option("--requirements", type=click.Path(exists=True), metavar="FILE", help="A pip requirements file.")
@click.option("--conda", type=click.Path(exists=True), metavar="FILE", help="A conda environment file.")
@click.option("--existing", is_flag=True, help="The packages that are installed here.")
@click.option(
    "--wheel", "wheels", multiple=True, type=click.Path(exists=True), help="A wheel of your own; again for more."
)
@dry_run
@where
@as_json
def create(name: str, where: str | None, dry_run: bool, as_json: bool, wheels: tuple[str, ...], **source: Any) -> None:
    """Register NAME, or its next version, from one of the sources.

    \b
    Example:
      modelyard environment create training --requirements requirements.txt
    """
    environment = _read(name, source)
    for note in environment.notes:
        click.echo(f"note: {note}", err=True)
    if dry_run:
        click.echo(
            "\n".join(
                [f"Would register {name} with Python {environment.spec.python} and:", *environment.spec.requirements]
            )
        )
        return
    with opened(where) as workspace:
        registered = (environment.with_wheels(*wheels) if wheels else environment).register(workspace)
    if as_json:
        print_json({"id": registered.id, "spec": registered.spec})
    else:
        click.echo(f"Registered {registered.id} ({len(registered.spec.requirements)} requirements)")


@command.command("list")
@where
@as_json
def list_(where: str | None, as_json: bool) -> None:
    """List the registered environments, each in its newest version.

    \b
    Example:
      modelyard environment list
    """
    with opened(where) as workspace:
        found = list(Environment.list(workspace).values())
    if as_json:
        print_json([{"id": one.id, "spec": one.spec} for one in found])
    else:
        rows = [(one.id, one.spec.python, len(one.spec.requirements), len(one.spec.wheels)) for one in found]
        print_table(("ENVIRONMENT", "PYTHON", "REQUIREMENTS", "WHEELS"), rows, "There are no environments.")


@command.command()
@click.argument("environment")
@where
@as_json
def show(environment: str, where: str | None, as_json: bool) -> None:
    """Show what ENVIRONMENT asks for.

    \b
    Example:
      modelyard environment show training:2
    """
    with opened(where) as workspace:
        found = Environment.get(workspace, environment)
    if as_json:
        print_json({"id": found.id, "digest": found.spec.digest, "spec": found.spec})
        return
    spec = found.spec
    facts = [("environment", found.id), ("python", spec.python), ("digest", spec.digest)]
    facts += [("requirement", text) for text in spec.requirements]
    facts += [("wheel", wheel.filename) for wheel in spec.wheels]
    facts += [("system package", name) for name in spec.system_packages]
    print_facts([*facts, *(("note", note) for note in spec.notes)])


@command.command()
@click.argument("environment")
@click.option("--platform", metavar="PLATFORM", help="By default this machine's.")
@click.option("--offline", is_flag=True, default=None, help="Use only what is cached, and say what is missing.")
@click.option("--renew", is_flag=True, help="Resolve anew, and keep that in place of the lock that is kept.")
@where
@as_json
def lock(environment: str, where: str | None, as_json: bool, **how: Any) -> None:
    """Print the exact packages of ENVIRONMENT with their hashes, as a requirements file.

    \b
    Example:
      modelyard environment lock training > requirements.lock
    """
    with opened(where) as workspace, spinner(f"Resolving {environment}"):
        locked = Environment.get(workspace, environment).lock(**how)
    if as_json:
        print_json(locked)
    else:
        click.echo(locked.requirements, nl=False)


@command.command()
@click.argument("environment")
@click.option("--offline", is_flag=True, default=None, help="Use only what is cached, and say what is missing.")
@dry_run
@where
def realise(environment: str, offline: bool | None, dry_run: bool, where: str | None) -> None:
    """Make ENVIRONMENT on this machine, and print its folder.

    \b
    Example:
      modelyard environment realise training
    """
    with opened(where) as workspace, spinner(f"Making {environment}") as tell:
        found = Environment.get(workspace, environment)
        if dry_run:
            locked = found.lock(offline=offline, keep=False)
            click.echo(f"Would install {len(locked.packages)} packages of the lock {locked.digest}")
        else:
            click.echo(found.realise(offline=offline, progress=tell))


@command.command()
@click.argument("before", metavar="A")
@click.argument("after", metavar="B")
@where
@as_json
def diff(before: str, after: str, where: str | None, as_json: bool) -> None:
    """Compare the locks of A and B: each an environment, or model:NAME:VERSION or run:RUN for what they were made in.

    \b
    Example:
      modelyard environment diff training model:digits:3
    """
    with opened(where) as workspace:
        found = difference(_lock_of(workspace, before), _lock_of(workspace, after))
    if as_json:
        print_json(found)
    else:
        click.echo(str(found) or "They hold the same.")


@command.command()
@click.option("--unused-for", default=30.0, show_default=True, metavar="DAYS", help="Spare what was used since.")
@dry_run
@as_json
def prune(unused_for: float, dry_run: bool, as_json: bool) -> None:
    """Remove from this machine the environments that nobody used for long; they are made again when needed.

    \b
    Example:
      modelyard environment prune --unused-for 7 --dry-run
    """
    removed = environment_cache(Settings.read()).prune(unused_for=unused_for * _DAY, dry_run=dry_run)
    if as_json:
        print_json(removed)
        return
    for one in removed:
        click.echo(f"{'Would remove' if dry_run else 'Removed'} {one.path} ({one.size:,} bytes)")
    click.echo(f"{len(removed)} environments")


def _read(name: str, source: dict[str, Any]) -> Environment:
    given = [kind for kind, value in source.items() if value]
    if len(given) != 1:
        raise click.UsageError("Give one of --requirements FILE, --conda FILE and --existing.")
    if source["requirements"]:
        return Environment.from_pip_requirements(name, source["requirements"])
    if source["conda"]:
        return Environment.from_conda_specification(name, source["conda"])
    return Environment.from_existing(name)


def _lock_of(workspace: Workspace, text: str) -> Lock:
    """Find the lock of an environment, of a model, or of a run."""
    kind, colon, rest = text.partition(":")
    if colon and kind == "model":
        blob = Model(workspace, rest).info.lock
    elif colon and kind == "run":
        blob = workspace.backend.runs.get(rest).digests.get("environment")
    else:
        return Environment.get(workspace, str(VersionRef.parse(text))).lock()
    if blob is None:
        raise click.UsageError(f"{text} has no recorded environment.")
    return Lock.from_json(workspace.backend.blobs.read(blob))
