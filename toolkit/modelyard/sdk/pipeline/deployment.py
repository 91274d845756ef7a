"""The deployment of a service, as a step."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Unpack

from modelyard.errors import InvalidValueError
from modelyard.names import check_name
from modelyard.sdk.pipeline.action import carry_out
from modelyard.sdk.pipeline.data import DataInput, PipelineData
from modelyard.sdk.pipeline.ports import added
from modelyard.sdk.pipeline.step import PipelineStep, StepOptions, check_options
from modelyard.sdk.service.deployment import DEFAULT_TARGET
from modelyard.sdk.service.service import Service
from modelyard.sdk.workspace import Workspace


class DeployStep(PipelineStep):
    """Have a service answer by a model or an image; the step succeeds when it does.

    A service that exists gets a new revision. The step runs each time that it comes to its turn; where the service
    serves that already, nothing is started.

    Parameters
    ----------
    name
        What the step is called.
    service_name
        The name of the service.
    model
        What a `RegisterModelStep` has written (its ``registered``), or the name of a model, which is served as ONNX.
    image
        In place of a model: the name of an image.
    target
        Where it is deployed to.
    options
        What every step may be given: `StepOptions`.

    Raises
    ------
    UnknownArgumentError
        If it is given what it does not take.
    InvalidValueError
        If a value cannot be.
    """

    kind = "deploy"
    has_code = False

    def __init__(
        self,
        name: str,
        service_name: str,
        model: PipelineData | DataInput | str | None = None,
        image: str | None = None,
        target: str = DEFAULT_TARGET,
        **options: Unpack[StepOptions],
    ) -> None:
        check_options(type(self).__name__, options, ("name", "service_name", "model", "image", "target"))
        check_name("a service", service_name)
        if (model is None) == (image is None):
            raise InvalidValueError("DeployStep", "give a model or an image")
        words: list[Any] = ["python", "-m", "modelyard.sdk.pipeline.deployment", service_name, "--target", target]
        if isinstance(model, PipelineData | DataInput):
            words += ["--registered", model]
            options["inputs"] = added(options.get("inputs"), model)
        else:
            words += ["--image", image] if model is None else ["--model", model]
        options.setdefault("allow_reuse", False)
        super().__init__(name, words, options)


def deploy(workspace: Workspace, arguments: Sequence[str]) -> str:
    """Carry out what the words of a `DeployStep` say."""
    parser = argparse.ArgumentParser(prog="python -m modelyard.sdk.pipeline.deployment", description=__doc__)
    parser.add_argument("service_name")
    parser.add_argument("--target", default=DEFAULT_TARGET)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--registered", type=Path, metavar="FILE")
    what.add_argument("--model", metavar="NAME")
    what.add_argument("--image", metavar="NAME")
    given = parser.parse_args(arguments)
    model = given.registered.read_text().strip() if given.registered is not None else given.model
    service = Service.deploy(
        workspace,
        given.service_name,
        given.image,
        models=[] if model is None else [model],
        target=given.target,
        say=lambda line: print(line, file=sys.stderr),  # noqa: T201 - for the log of the step
    )
    return f"{service.name} answers by {model or given.image}."


if __name__ == "__main__":
    carry_out(deploy)
