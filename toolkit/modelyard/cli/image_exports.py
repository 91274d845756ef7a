"""``modelyard image``: what leaves the workspace and what comes into it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from modelyard.cli.output import as_json, opened, print_json, print_table, progress, spinner, where
from modelyard.images.oci.documents import Descriptor
from modelyard.sdk.image.image import Image

_platforms = click.option("--platform", "platforms", multiple=True, metavar="OS/ARCH", help="By default all.")
_compression = click.option(
    "--compression", type=click.Choice(["gzip", "zstd"]), default="gzip", show_default=True, help="Of the layers."
)


def add_exports(image: click.Group) -> None:
    """Add the commands of this module to ``modelyard image``."""
    for one in (build, export, load, push, pull, verify, sbom):
        image.add_command(one)


@click.command()
@click.argument("image")
@click.option("--platform", default="linux/amd64", show_default=True, metavar="OS/ARCH")
@_compression
@where
@as_json
def build(image: str, platform: str, where: str | None, as_json: bool, **options: Any) -> None:
    """Build the OCI image, without an engine, and say what it is made of.

    \b
    Example:
      modelyard image build digits:3 --platform linux/arm64
    """
    with opened(where) as workspace, spinner(f"Building {image}") as say:
        built = Image(workspace, image).build(platform, say=say, **options)
    if as_json:
        print_json(built)
        return
    rows = [("base", one.digest[7:19], f"{one.size:,}", "") for one in built.base]
    rows += [
        (one.name, one.layer.digest[7:19], f"{one.layer.size:,}", "kept" if one.reused else "written")
        for one in built.layers
    ]
    print_table(("LAYER", "DIGEST", "BYTES", ""), rows, "")
    click.echo(f"{built.manifest.digest} ({built.size:,} bytes, image {built.image_id[7:19]})")


@click.command()
@click.argument("image")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--folder", is_flag=True, help="Write an OCI layout folder, not an archive.")
@_platforms
@_compression
@where
def export(image: str, path: Path, folder: bool, where: str | None, **options: Any) -> None:
    """Write an image to the file PATH, which ``docker load`` and ``modelyard image load`` take.

    The file holds all that the image is, so that it can be deployed on a machine without a network.

    \b
    Example:
      modelyard image export digits:3 digits.tar
    """
    with opened(where) as workspace, spinner(f"Exporting {image}") as say:
        form = "folder" if folder else "archive"
        digest = Image(workspace, image).export(path, form=form, say=say, **options)  # type: ignore[arg-type]
    click.echo(f"Wrote {path}, {digest}")


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@where
@as_json
def load(path: Path, where: str | None, as_json: bool) -> None:
    """Register the image that ``modelyard image export`` wrote, from any workspace.

    \b
    Example:
      modelyard image load digits.tar
    """
    with opened(where) as workspace, spinner(f"Loading {path}") as say:
        image = Image.load(workspace, path, say=say)
    _say_arrived(image, as_json)


@click.command()
@click.argument("image")
@click.argument("reference")
@_platforms
@_compression
@where
def push(image: str, reference: str, where: str | None, **options: Any) -> None:
    """Send an image to a registry, with what ``docker login`` knows of it.

    \b
    Example:
      modelyard image push digits:3 registry.example/team/digits:3
    """
    with opened(where) as workspace, spinner(f"Building {image}") as say, _sent("Sending") as sent:
        digest = Image(workspace, image).push(reference, say=say, sent=sent, **options)
    click.echo(f"Pushed {reference}, {digest}")


@click.command()
@click.argument("reference")
@where
@as_json
def pull(reference: str, where: str | None, as_json: bool) -> None:
    """Register the image that ``modelyard image push`` sent to a registry, from any workspace.

    \b
    Example:
      modelyard image pull registry.example/team/digits:3
    """
    with opened(where) as workspace, _sent("Fetching") as got:
        image = Image.pull(workspace, reference, got=got)
    _say_arrived(image, as_json)


@click.command()
@click.argument("image")
@where
def verify(image: str, where: str | None) -> None:
    """Read all that an image is made of, and check every digest.

    \b
    Example:
      modelyard image verify digits:3
    """
    with opened(where) as workspace, spinner(f"Verifying {image}"):
        found = Image(workspace, image)
        count = found.verify()
    click.echo(f"{found.id} is whole: {count} blobs, {found.digest}")


@click.command()
@click.argument("image")
@click.option("--platform", default="linux/amd64", show_default=True, metavar="OS/ARCH")
@where
def sbom(image: str, platform: str, where: str | None) -> None:
    """Print the bill of materials of the OCI image: CycloneDX 1.6, JSON.

    \b
    Example:
      modelyard image sbom digits:3 > digits.cdx.json
    """
    with opened(where) as workspace, spinner(f"Building {image}") as say:
        bill = Image(workspace, image).sbom(platform, say=say)
    click.echo(bill.decode())


def _say_arrived(image: Image, as_json: bool) -> None:
    if as_json:
        print_json(image.info)
    else:
        click.echo(f"Registered {image.id}, {image.digest}")


@contextmanager
def _sent(label: str) -> Iterator[Callable[[Descriptor, int], None]]:
    """Show how far the blobs of an image are, together."""
    done: dict[str, int] = {}
    with progress(label) as bar:

        def seen(blob: Descriptor, size: int) -> None:
            bar(size - done.get(blob.digest, 0), blob.digest[7:19])
            done[blob.digest] = size

        yield seen
