"""``modelyard service``: serve registered models, and look after what serves."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, print_table, spinner, where
from modelyard.sdk.deployment import Deployment, image_to_serve
from modelyard.sdk.service import Service


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
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="On loopback (default: a free one).")
@click.option("--timeout", default=120.0, show_default=True, metavar="SECONDS", help="Until it must be ready.")
@click.option("--replace", is_flag=True, help="Deploy a new revision to a service that exists.")
@where
@dry_run
@as_json
def deploy(
    name: str,
    image: str | None,
    models: tuple[str, ...],
    where: str | None,
    dry_run: bool,
    as_json: bool,
    **options: Any,
) -> None:
    """Serve an image, or registered ONNX models as they are, and wait until they answer.

    \b
    Example:
      modelyard service deploy digits --image digits:3
      modelyard service deploy digits --model digits@champion
    """
    with opened(where) as workspace, spinner(f"Deploying {name}") as say:
        workers, replace = options.pop("workers"), options.pop("replace")
        target = options["target"]
        found = image_to_serve(workspace, name, image, models, target=target, workers=workers, dry_run=dry_run, say=say)
        if dry_run:
            plan = Deployment(workspace, name, found, **options).plan()
        else:
            service = Service.deploy(workspace, name, found, replace=replace, say=say, **options)
    if dry_run:
        if as_json:
            print_json(plan.steps)
        else:
            print_facts((step.verb, step.subject) for step in plan.steps)
        return
    if as_json:
        print_json({"name": name, "url": service.url, "scoring_uri": service.scoring_uri, "key": service.get_keys()[0]})
        return
    print_facts(
        [
            ("service", name),
            ("image", service.image),
            ("models", ", ".join(service.models)),
            ("url", service.scoring_uri),
        ]
    )
    print_facts([("key    ", service.get_keys()[0])])
    click.echo(f"Try it:  modelyard service score {name} --sample")


@command.command("list")
@click.option("--model", metavar="NAME[:VERSION]", help="Only those that serve it.")
@where
@as_json
def list_(model: str | None, where: str | None, as_json: bool) -> None:
    """List services, with what their places say of them now.

    \b
    Example:
      modelyard service list --model digits
    """
    with opened(where) as workspace:
        found = [_summary(service) for service in Service.list(workspace, model=model)]
    if as_json:
        print_json(found)
        return
    columns = ("name", "state", "revision", "image", "models", "target", "url")
    rows = [[_text(one[column]) for column in columns] for one in found]
    print_table([column.upper() for column in columns], rows, "There are no services.")


@command.command()
@click.argument("name")
@where
@as_json
@click.option("--keys", is_flag=True, help="Show the keys too.")
def show(name: str, where: str | None, as_json: bool, keys: bool) -> None:
    """Show a service and its revisions.

    \b
    Example:
      modelyard service show digits --keys
    """
    with opened(where) as workspace:
        service = Service(workspace, name)
        summary = _summary(service)
        if keys:
            summary["primary key"], summary["secondary key"] = service.get_keys()
        revisions = service.revisions()
    if as_json:
        print_json({**summary, "revisions": revisions})
        return
    print_facts((key, _text(value)) for key, value in summary.items())
    rows = [
        (r.number, r.state, r.image, ", ".join(r.models), r.created.isoformat(timespec="seconds"), r.reason)
        for r in revisions
    ]
    print_table(("REVISION", "STATE", "IMAGE", "MODELS", "CREATED", "REASON"), rows, "")


@command.command()
@click.argument("name")
@click.option("-n", "--lines", default=100, show_default=True, help="How many.")
@where
def logs(name: str, lines: int, where: str | None) -> None:
    """Print the last lines that a service wrote.

    \b
    Example:
      modelyard service logs digits -n 20
    """
    with opened(where) as workspace:
        click.echo(Service(workspace, name).get_logs(lines))


@command.command()
@click.argument("name")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, allow_dash=True), required=False)
@click.option("--data", help="The rows or the request, as JSON.")
@click.option("--sample", is_flag=True, help="Send the sample that was recorded with the model.")
@click.option("--model", help="Which model, if the service serves several.")
@where
def score(name: str, file: str | None, data: str | None, sample: bool, model: str | None, where: str | None) -> None:
    """Send rows to a service and print its answer. FILE holds JSON; - is standard input.

    \b
    Example:
      modelyard service score digits rows.json
      modelyard service score digits --sample
    """
    if sum((file is not None, data is not None, sample)) != 1:
        raise click.UsageError("Give one of FILE, --data and --sample.")
    with opened(where) as workspace:
        service = Service(workspace, name)
        if sample:
            request = service.sample(model)
        elif data is not None:
            request = data
        else:
            request = sys.stdin.read() if file == "-" else Path(str(file)).read_text()
        print_json(service.run(request, model=model))


@command.command()
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@where
@dry_run
def delete(name: str, yes: bool, where: str | None, dry_run: bool) -> None:
    """End a service, and remove all that it had.

    \b
    Example:
      modelyard service delete digits --yes
    """
    with opened(where) as workspace:
        service = Service(workspace, name)
        if dry_run:
            click.echo(f"Would delete {name} ({', '.join(service.models)}, {service.state})")
        elif yes or click.confirm(f"Delete {name} ({', '.join(service.models)})?", err=True):
            service.delete()
            click.echo(f"Deleted {name}")


def _summary(service: Service) -> dict[str, object]:
    observed = service.observe() if service.revision.placed else None
    return {
        "name": service.name,
        "state": observed.state if observed else service.revision.state,
        "detail": observed.detail if observed else service.revision.reason,
        "revision": service.revision.number,
        "image": service.image,
        "models": service.models,
        "target": service.revision.target,
        "url": service.url if service.revision.placed else "",
    }


def _text(value: object) -> object:
    return ", ".join(value) if isinstance(value, tuple) else value
