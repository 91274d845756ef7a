"""``modelyard service``: serve registered models, and look after what serves."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, print_table, where
from modelyard.cli.pairs import read_pairs
from modelyard.cli.policy import policy_options, read_policy
from modelyard.cli.service_life import add_life
from modelyard.cli.service_rollouts import add_rollouts
from modelyard.cli.service_table import details, facts_of, following, row_of
from modelyard.cli.service_unit import install_unit
from modelyard.sdk.service.deployment import image_to_serve, merged, plan
from modelyard.sdk.service.service import Service
from modelyard.services.errors import NotHereError
from modelyard.services.settings import ServiceSettings


@click.group(name="service")
def command() -> None:
    """Serve registered models, and look after what serves."""


@command.command()
@click.argument("name")
@click.option("--image", metavar="NAME[:VERSION]", help="What to serve.")
@click.option(
    "--model",
    "models",
    multiple=True,
    metavar="NAME[:VERSION|@ALIAS]",
    help="ONNX models to serve, in place of an image.",
)
@click.option("--target", default="process", show_default=True, help="Where to run it.")
@click.option(
    "--workers", type=click.IntRange(1, 128), default=1, show_default=True, help="Processes that serve models."
)
@click.option("--replicas", type=click.IntRange(1, 64), help="Running copies (default: as it was, or 1).")
@click.option("--port", type=click.IntRange(0, 65535), help="On loopback (default: as it was, or a free one).")
@click.option("--timeout", type=float, metavar="SECONDS", help="Until a replica must be ready (default: 120).")
@click.option("--direct", is_flag=True, help="Without the router: one replica, reached straight.")
@click.option("--tag", "tags", multiple=True, metavar="NAME=VALUE", help="Of the service.")
@policy_options
@click.option("--why", default="", help="For the ledger.")
@click.option("--queue", is_flag=True, help="Wait for a rollout that is under way, in place of being refused.")
@click.option("--no-wait", is_flag=True, help="Return at once; the rollout goes on.")
@where
@dry_run
@as_json
def deploy(name: str, where: str | None, dry_run: bool, as_json: bool, **options: Any) -> None:
    """Serve an image, or registered ONNX models as they are, and wait until they answer.

    A service that exists gets a new revision. It serves when it has proved itself, as the policy says; if it does
    not, what served before serves on.

    \b
    Example:
      modelyard service deploy digits --image digits:3
      modelyard service deploy digits --model digits@champion --policy canary --steps 10,50 --soak 60
    """
    policy = read_policy(options)
    image, models, target, workers = (options.pop(key) for key in ("image", "models", "target", "workers"))
    changes = {key: options.pop(key) for key in ("replicas", "port")} | {"ready_timeout": options.pop("timeout")}
    changes["routed"] = False if options.pop("direct") else None
    tags, no_wait = options.pop("tags"), options.pop("no_wait")
    with opened(where) as workspace, following(name, f"Deploying {name}") as say:
        found = image_to_serve(workspace, name, image, models, target=target, workers=workers, dry_run=dry_run, say=say)
        settings = merged(workspace, name, None, **changes)
        if dry_run:
            steps = plan(workspace, name, found, target, settings or ServiceSettings()).steps
        else:
            service = Service.deploy(
                workspace,
                name,
                found,
                target=target,
                settings=settings,
                policy=policy,
                tags=read_pairs("--tag", tags) if tags else None,
                wait=not no_wait,
                say=say,
                **options,
            )
    if dry_run:
        if as_json:
            print_json(steps)
        else:
            print_facts((step.verb, step.subject) for step in steps)
    elif as_json:
        print_json(facts_of(service) | _reached(service))
    else:
        _print_deployed(service)


@command.command("list")
@click.option("--model", metavar="NAME[:VERSION]", help="Only those that serve it.")
@click.option("--image", metavar="NAME[:VERSION]", help="Only those that serve it.")
@click.option("--target", help="Only those that run there.")
@click.option("--tag", metavar="NAME[=VALUE]", help="Only those that have it.")
@where
@as_json
def list_(where: str | None, as_json: bool, **query: str | None) -> None:
    """List services, and how they are.

    \b
    Example:
      modelyard service list --model digits
    """
    with opened(where) as workspace:
        found = Service.list(workspace, **query)
        rows = [row_of(service) for service in found]
    if as_json:
        print_json(rows)
        return
    columns = ("name", "state", "traffic", "image", "models", "target", "url")
    print_table(
        [column.upper() for column in columns],
        [[_text(row[column]) for column in columns] for row in rows],
        "There are no services.",
    )


@command.command()
@click.argument("name")
@click.option("--keys", is_flag=True, help="Show the keys too.")
@where
@as_json
def show(name: str, where: str | None, as_json: bool, keys: bool) -> None:
    """Show a service: its state and why, revisions, traffic, health, and the rates and latencies of the last minute.

    \b
    Example:
      modelyard service show digits --keys
    """
    with opened(where) as workspace:
        service = Service(workspace, name)
        facts = facts_of(service)
        if keys:
            facts["primary key"], facts["secondary key"] = service.get_keys()
        whole = details(service)
    if as_json:
        print_json({**facts, **whole.values})
        return
    print_facts((key, _text(value)) for key, value in facts.items() if value not in ("", None))
    for headings, rows in whole.tables:
        print_table(headings, rows, "")


@command.command()
@click.argument("name")
@click.option("-n", "--lines", default=100, show_default=True, help="How many.")
@click.option("--revision", type=int, help="By default the one that serves.")
@click.option("-f", "--follow", is_flag=True, help="Go on as lines are written, until Ctrl-C.")
@where
def logs(name: str, lines: int, revision: int | None, follow: bool, where: str | None) -> None:
    """Print the last lines that a service wrote.

    \b
    Example:
      modelyard service logs digits -n 20 --follow
    """
    with opened(where) as workspace:
        service = Service(workspace, name)
        if not follow:
            click.echo(service.get_logs(lines, revision))
            return
        for line in service.follow_logs(lines, revision):
            click.echo(line)


@command.command()
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=False)
@click.option("--data", help="The rows or the request, as JSON.")
@click.option("--sample", is_flag=True, help="Send the sample that was recorded with the model.")
@click.option("--model", help="Which model, if the service serves several.")
@click.option("--revision", type=int, help="Which revision is to answer (default: by the weights).")
@where
def score(name: str, file: str | None, where: str | None, **options: Any) -> None:
    """Send rows to a service and print its answer. FILE holds JSON; - is standard input.

    \b
    Example:
      modelyard service score digits rows.json
      modelyard service score digits --sample
    """
    data, sample = options["data"], options["sample"]
    if sum((file is not None, data is not None, sample)) != 1:
        raise click.UsageError("Give one of FILE, --data and --sample.")
    with opened(where) as workspace:
        service = Service(workspace, name)
        if sample:
            request = service.sample(options["model"])
        elif data is not None:
            request = data
        else:
            request = sys.stdin.read() if file == "-" else Path(str(file)).read_text()
        print_json(service.run(request, model=options["model"], revision=options["revision"]))


add_rollouts(command)
add_life(command)
command.add_command(install_unit)


def _reached(service: Service) -> dict[str, object]:
    if not service.info.standing.url:
        return {}
    return {"scoring_uri": service.scoring_uri, "key": _key(service)}


def _key(service: Service) -> str | None:
    """Give a key of a service, if it is on this machine."""
    try:
        return service.get_keys()[0]
    except NotHereError:
        return None


def _print_deployed(service: Service) -> None:
    facts: Iterable[tuple[str, object]] = [
        ("service", service.name),
        ("state", service.state),
        ("image", service.image),
        ("models", ", ".join(service.models)),
    ]
    print_facts(facts)
    if service.info.standing.url:
        key, machine = _key(service), service.info.standing.machine
        print_facts([("url    ", service.scoring_uri), ("key    ", key or f"on the machine {machine} alone")])
        click.echo(f"Try it:  modelyard service score {service.name} --sample" + ("" if key else f", on {machine}"))


def _text(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, tuple | list) else value
