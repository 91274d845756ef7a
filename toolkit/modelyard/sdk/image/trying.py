"""The code of an image, tried here before an image is registered."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from modelyard.environments.lock import Lock
from modelyard.environments.progress import Progress
from modelyard.images.folder import ModelFolder
from modelyard.images.spec import ImageSpec, running_image_platform
from modelyard.images.trial import try_out
from modelyard.images.trials.attempt import Limits
from modelyard.images.trials.judgement import Declared
from modelyard.images.trials.report import TrialReport
from modelyard.sdk.environment import environment_cache
from modelyard.sdk.workspace import Workspace


def try_code(workspace: Workspace, spec: ImageSpec, requirements: Sequence[str], say: Progress) -> TrialReport | None:
    """Import the code of an image here, call its ``init()`` and have it answer its sample, within the image's memory.

    Parameters
    ----------
    requirements
        What the user declared that the code needs.

    Returns
    -------
    None where there is no code, or the image is not for this kind of machine.
    """
    here = running_image_platform()
    if spec.code is None or all(part.platform != here for part in spec.parts):
        return None
    backend, settings = workspace.backend, workspace.settings
    lock = Lock.from_json(backend.blobs.read(spec.part(here).lock))
    python = environment_cache(settings).realise(lock, progress=say) / "bin" / "python"
    content = ModelFolder(spec, backend.trees, backend.blobs)
    with tempfile.TemporaryDirectory(prefix="modelyard-image-") as place:
        content.write(Path(place))
        return try_out(
            Path(place),
            python=python,
            server=content.server(settings.cache),
            declared=Declared(lock=lock, requirements=tuple(requirements), variables=spec.variables),
            limits=Limits(memory=spec.resources.memory),
            say=say,
        )
