"""``modelyard image``: seal, find, look at and compare images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec
from msgspec import structs

from modelyard.cli.image_exports import add_exports
from modelyard.cli.image_run import run
from modelyard.cli.output import as_json, dry_run, opened, print_facts, print_json, print_table, spinner, where
from modelyard.cli.pairs import read_pairs
from modelyard.images.config_file import read_config
from modelyard.images.errors import InvalidImageError
from modelyard.images.image import ImageVersion
from modelyard.images.inference import CodeSample, ImageConfig, InferenceConfig, ResourceConfig
from modelyard.sdk.image.image import Image


@click.group(name="image")
def command() -> None:
    """Seal, find, look at and compare images.

    An IMAGE is NAME (its highest version) or NAME:VERSION.
    """


@command.command()
@click.argument("name")
@click.option("--model", "models", multiple=True, metavar="NAME[:VERSION|@ALIAS]", help="May be given again.")
@click.option(
    "--config", "config", type=click.Path(exists=True, dir_okay=False), help="YAML or JSON; options win over it."
)
@click.option("--script", "entry_script", metavar="FILE", help="A scoring script with init() and run(data).")
@click.option("--application", metavar="MODULE:NAME", help="A WSGI or ASGI application, or a BentoML service.")
@click.option("--source", "source_directory", metavar="FOLDER", help="What goes into the image with the code.")
@click.option("--environment", metavar="NAME|FILE", help="A registered one, a conda file or a requirements file.")
@click.option("--cpu", type=float, metavar="N", help="CPUs of a running copy.")
@click.option("--memory", metavar="SIZE", help="Memory of a running copy, such as 512MiB.")
@click.option("--accelerator", metavar="NAME", help="What ONNX models run on.")
@click.option("--workers", type=click.IntRange(1, 128), help="Processes that serve.")
@click.option("--base", "base_image", metavar="slim|none|IMAGE|FILE", help="What the OCI image stands on.")
@click.option("--platform", "platforms", multiple=True, metavar="OS/ARCH", help="May be given again.")
@click.option("--sample", type=click.Path(exists=True, dir_okay=False), help='JSON: {"request": ..., "answer": ...}.')
@click.option("--tag", "tags", multiple=True, metavar="KEY=VALUE", help="May be given again.")
@click.option("--description", help="What it is, in words.")
@click.option("--trial/--no-trial", default=True, show_default=True, help="Try the code here first.")
@click.option("--upgrade", is_flag=True, help="Take the newest packages, not those resolved here before.")
@where
@dry_run
@as_json
def create(name: str, where: str | None, dry_run: bool, as_json: bool, **said: Any) -> None:
    """Seal models, code, environment and resources into the next version of an image.

    \b
    Example:
      modelyard image create digits --model digits@champion
      modelyard image create digits --model digits --script score.py --environment env.yml --config config.yml
    """
    with opened(where) as workspace, spinner(f"Creating {name}") as say:
        config = _config(said)
        image = Image.create(
            workspace,
            name,
            (*config.models, *said["models"]),
            inference=config.inference,
            resources=config.resources,
            platforms=said["platforms"],
            sample=_sample(said["sample"]),
            tags={**config.tags, **read_pairs("tag", said["tags"])},
            description=said["description"] or config.description,
            dry_run=dry_run,
            trial=said["trial"],
            upgrade=said["upgrade"],
            told=lambda report: click.echo(report.text, err=True, nl=False) if report.passed else None,
            say=say,
        )
    if as_json:
        print_json(image.info)
    elif dry_run:
        click.echo(f"Would create {name} with the digest {image.digest}")
    else:
        click.echo(f"Created {image.id}, {image.digest}")
        click.echo(f"Serve it:  modelyard service deploy {name} --image {image.id}")


@command.command("list")
@click.argument("name", required=False)
@click.option("--model", metavar="NAME[:VERSION]", help="Only those that hold it.")
@click.option("--tag", "tags", multiple=True, metavar="KEY[=VALUE]", help="Only those with this; again for more.")
@where
@as_json
def list_(name: str | None, model: str | None, tags: tuple[str, ...], where: str | None, as_json: bool) -> None:
    """List versions of images, the newest first, all or those of NAME.

    \b
    Example:
      modelyard image list --model digits:3
    """
    with opened(where) as workspace:
        found = [image.info for image in Image.list(workspace, name, model=model, tags=tags)]
    if as_json:
        print_json(found)
        return
    rows = [
        (
            one.id,
            one.digest[:12],
            ", ".join(map(str, one.spec.models)),
            _what(one),
            one.created.isoformat(timespec="seconds"),
        )
        for one in found
    ]
    print_table(("IMAGE", "DIGEST", "MODELS", "CODE", "CREATED"), rows, "There are no images.")


@command.command()
@click.argument("image")
@where
@as_json
def show(image: str, where: str | None, as_json: bool) -> None:
    """Show what an image is made of.

    \b
    Example:
      modelyard image show digits:3
    """
    with opened(where) as workspace:
        found = Image(workspace, image)
        packages = {part.platform: len(found.lock(part.platform).packages) for part in found.spec.parts}
    if as_json:
        print_json(found.info)
        return
    spec, resources = found.spec, found.spec.resources
    print_facts(
        [
            ("image", found.id),
            ("digest", found.digest),
            ("models", ", ".join(found.models)),
            ("code", _what(found.info)),
            ("environment", ", ".join(f"{name} ({count} packages)" for name, count in packages.items())),
            ("resources", f"{resources.cpu:g} cpu, {resources.memory >> 20} MiB, {resources.workers} workers"),
            ("accelerator", resources.accelerator),
            ("limits", ", ".join(f"{name} {value}" for name, value in spec.limits.items())),
            ("tags", ", ".join(f"{name}={value}" for name, value in found.tags.items())),
            ("source", ", ".join(f"{name} {value}" for name, value in found.info.source.items())),
            ("created", found.created.isoformat(timespec="seconds")),
            ("description", found.info.description),
        ]
    )


@command.command()
@click.argument("before")
@click.argument("after")
@where
@as_json
def diff(before: str, after: str, where: str | None, as_json: bool) -> None:
    """Say what differs between two images, leaf by leaf. Status 1 where something does.

    \b
    Example:
      modelyard image diff digits:2 digits:3
    """
    with opened(where) as workspace:
        found = Image(workspace, before).diff(Image(workspace, after))
    if as_json:
        print_json(found)
    else:
        for difference in found:
            click.echo(str(difference))
    raise SystemExit(1 if found else 0)


@command.command()
@click.argument("image")
@click.option("--yes", is_flag=True, help="Do not ask.")
@where
@dry_run
def delete(image: str, yes: bool, where: str | None, dry_run: bool) -> None:
    """Delete a version of an image, unless a service uses it.

    \b
    Example:
      modelyard image delete digits:3 --yes
    """
    with opened(where) as workspace:
        found = Image(workspace, image)
        if dry_run:
            click.echo(f"Would delete {found.id}, {found.digest}")
        elif yes or click.confirm(f"Delete {found.id}?", err=True):
            found.delete()
            click.echo(f"Deleted {found.id}")


add_exports(command)
command.add_command(run)


def _config(said: dict[str, Any]) -> ImageConfig:
    """Read the configuration file, and let options win over it."""
    config, aside = read_config(said["config"]) if said["config"] else (ImageConfig(), ())
    for name in aside:
        click.echo(f"{said['config']}: {name} says nothing of an image, and is left aside", err=True)
    given = {name: value for name, value in said.items() if value is not None}
    inference = {name: given[name] for name in InferenceConfig.__struct_fields__ if name in given}
    resources = {name: given[name] for name in ResourceConfig.__struct_fields__ if name in given}
    return structs.replace(
        config,
        inference=structs.replace(config.inference, **inference),
        resources=structs.replace(config.resources, **resources),
    )


def _sample(file: str | None) -> CodeSample | None:
    if file is None:
        return None
    try:
        return msgspec.json.decode(Path(file).read_bytes(), type=CodeSample)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        rule = f'write {{"request": ..., "answer": ...}} as JSON ({error})'
        raise InvalidImageError("sample", file, rule) from None


def _what(image: ImageVersion) -> str:
    code = image.spec.code
    return "" if code is None else code.application or code.entry
