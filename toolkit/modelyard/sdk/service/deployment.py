"""What a deployment is made of: the image to serve, the settings, and who asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from modelyard.errors import InvalidValueError, NotFoundError
from modelyard.images.inference import NONE, InferenceConfig, ResourceConfig
from modelyard.names import check_name
from modelyard.sdk.image.image import Image
from modelyard.sdk.service.places import service_folder
from modelyard.sdk.workspace import Workspace
from modelyard.services.settings import ServiceSettings
from modelyard.services.target import Plan, Wanted, find_target

DEFAULT_TARGET = "process"


def plan(workspace: Workspace, name: str, image: Image, target: str, settings: ServiceSettings) -> Plan:
    """Say what would be done on the target; changes nothing."""
    folder = service_folder(workspace, check_name("a service", name))
    wanted = Wanted(
        workspace=workspace.info.id,
        service=name,
        revision=1,
        image=image.info,
        lock=image.lock(),
        place=folder / "1" / "1",
        port=0 if settings.routed else settings.port,
        timeout=settings.ready_timeout,
    )
    return find_target(target, workspace.settings).plan(wanted)


def merged(workspace: Workspace, name: str, settings: ServiceSettings | None, **changes: Any) -> ServiceSettings | None:
    """Give the settings that a service is to have: those given, else its own, with what is not None changed.

    None if nothing is to be changed.
    """
    asked = {key: value for key, value in changes.items() if value is not None}
    if not asked:
        return settings
    if settings is None:
        try:
            settings = workspace.backend.services.get(name).settings
        except NotFoundError:
            settings = ServiceSettings()
    return replace(settings, **asked)


def image_to_serve(  # noqa: PLR0913 - what `Service.deploy` was given
    workspace: Workspace,
    name: str,
    image: Image | str | None,
    models: Sequence[str],
    *,
    target: str,
    workers: int,
    dry_run: bool,
    say: Callable[[str], None],
) -> Image:
    """Find the image that is to be served, or make it of models, under the name of the service.

    Raises
    ------
    InvalidValueError
        If neither is given, or both are.
    """
    if (image is None) == (not models):
        raise InvalidValueError("image", "give an image, or models that are served without one of your own")
    if isinstance(image, Image):
        return image
    if image is not None:
        return Image(workspace, image)
    resources = ResourceConfig(cpu=workers, workers=workers)  # each worker keeps a CPU busy
    # processes need no base, and without one the image is quickly made
    inference = InferenceConfig(base_image=NONE if target == DEFAULT_TARGET else None)
    return Image.create(workspace, name, models, inference=inference, resources=resources, dry_run=dry_run, say=say)
