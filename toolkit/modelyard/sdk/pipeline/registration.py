"""The registration of a model, as a step."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

from modelyard.errors import InvalidValueError
from modelyard.names import check_name
from modelyard.sdk.model.model import Model
from modelyard.sdk.model.registration import Said, register_saved
from modelyard.sdk.pipeline.action import carry_out
from modelyard.sdk.pipeline.data import DataInput, PipelineData
from modelyard.sdk.pipeline.ports import added
from modelyard.sdk.pipeline.step import PipelineStep, StepOptions, check_options
from modelyard.sdk.workspace import Workspace
from modelyard.settings import Settings


class RegisterModelStep(PipelineStep):
    """Register what another step has written as the next version of a model, made by the run of this step.

    It runs each time that it comes to its turn; `allow_reuse=True` gives the version that it registered before for the
    same content.

    Parameters
    ----------
    name
        What the step is called.
    model_name
        The name of the model.
    model_path
        `PipelineData` that holds it, or a part of it: ``trained.path("model.pkl")``. Of a folder with what
        `Run.save_model` writes, the model is registered with its signature, sample and certificate.
    tags
        Texts that are kept with it.
    registered
        `PipelineData` in which the step writes the short name of the version, such as ``churn:3``: for a `DeployStep`.
    options
        What every step may be given: `StepOptions`.

    Raises
    ------
    UnknownArgumentError
        If it is given what it does not take.
    InvalidValueError
        If a value cannot be.
    """

    kind = "register"
    has_code = False

    def __init__(
        self,
        name: str,
        model_name: str,
        model_path: PipelineData | DataInput,
        tags: Mapping[str, Any] | None = None,
        registered: PipelineData | None = None,
        **options: Unpack[StepOptions],
    ) -> None:
        check_options(type(self).__name__, options, ("name", "model_name", "model_path", "tags", "registered"))
        check_name("a model", model_name)
        if not isinstance(model_path, PipelineData | DataInput):
            raise InvalidValueError("model_path", f"give PipelineData that a step writes, not {model_path!r:.60}")
        words = ["python", "-m", "modelyard.sdk.pipeline.registration", model_path, model_name]
        for key, value in (tags or {}).items():
            words += [f"--tag={key}={value}"]
        options.setdefault("allow_reuse", False)
        options["inputs"] = added(options.get("inputs"), model_path)
        if registered is not None:
            words += ["--registered", registered]
            options["outputs"] = added(options.get("outputs"), registered)
        super().__init__(name, words, options)


def register(workspace: Workspace, arguments: Sequence[str]) -> str:
    """Carry out what the words of a `RegisterModelStep` say."""
    parser = argparse.ArgumentParser(prog="python -m modelyard.sdk.pipeline.registration", description=__doc__)
    parser.add_argument("model_path", type=Path)
    parser.add_argument("model_name")
    parser.add_argument("--tag", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--registered", type=Path, metavar="FILE")
    given = parser.parse_args(arguments)
    tags = dict(tag.split("=", 1) for tag in given.tag)
    said = Said(tags=tags, run_id=Settings.read().run)
    model = Model.of(workspace, register_saved(workspace, given.model_name, given.model_path, said))
    if given.registered is not None:
        given.registered.write_text(f"{model.id}\n")
    return f"{model.id} is registered."


if __name__ == "__main__":
    carry_out(register)
