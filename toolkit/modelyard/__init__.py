"""Take a trained model from the script to a running, measured, supervised service, on your own machines.

The names that people type first are here; each is loaded when it is first used, so that importing costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelyard.pipelines.graph import Retries, Reuse
    from modelyard.sdk.data.datastore import Datastore
    from modelyard.sdk.data.reference import DataPath, DataReference
    from modelyard.sdk.environment import Environment
    from modelyard.sdk.experiment import Experiment
    from modelyard.sdk.image.image import Image
    from modelyard.sdk.model.model import Model
    from modelyard.sdk.pipeline.data import PipelineData
    from modelyard.sdk.pipeline.parameter import PipelineParameter
    from modelyard.sdk.pipeline.pipeline import Pipeline
    from modelyard.sdk.pipeline.run import PipelineRun, StepRun
    from modelyard.sdk.pipeline.sequence import StepSequence
    from modelyard.sdk.pipeline.step import CommandStep, PythonScriptStep
    from modelyard.sdk.run.run import Run
    from modelyard.sdk.run.script import ScriptRunConfig
    from modelyard.sdk.service.service import Service
    from modelyard.sdk.workspace import Workspace
    from modelyard.services.policy import Policy
    from modelyard.services.settings import ServiceSettings

_HOMES = {
    "CommandStep": "modelyard.sdk.pipeline.step",
    "DataPath": "modelyard.sdk.data.reference",
    "DataReference": "modelyard.sdk.data.reference",
    "Datastore": "modelyard.sdk.data.datastore",
    "Environment": "modelyard.sdk.environment",
    "Experiment": "modelyard.sdk.experiment",
    "Image": "modelyard.sdk.image.image",
    "Model": "modelyard.sdk.model.model",
    "Pipeline": "modelyard.sdk.pipeline.pipeline",
    "PipelineData": "modelyard.sdk.pipeline.data",
    "PipelineParameter": "modelyard.sdk.pipeline.parameter",
    "PipelineRun": "modelyard.sdk.pipeline.run",
    "Policy": "modelyard.services.policy",
    "PythonScriptStep": "modelyard.sdk.pipeline.step",
    "Retries": "modelyard.pipelines.graph",
    "Reuse": "modelyard.pipelines.graph",
    "Run": "modelyard.sdk.run.run",
    "ScriptRunConfig": "modelyard.sdk.run.script",
    "Service": "modelyard.sdk.service.service",
    "ServiceSettings": "modelyard.services.settings",
    "StepRun": "modelyard.sdk.pipeline.run",
    "StepSequence": "modelyard.sdk.pipeline.sequence",
    "Workspace": "modelyard.sdk.workspace",
}

__all__ = [
    "CommandStep",
    "DataPath",
    "DataReference",
    "Datastore",
    "Environment",
    "Experiment",
    "Image",
    "Model",
    "Pipeline",
    "PipelineData",
    "PipelineParameter",
    "PipelineRun",
    "Policy",
    "PythonScriptStep",
    "Retries",
    "Reuse",
    "Run",
    "ScriptRunConfig",
    "Service",
    "ServiceSettings",
    "StepRun",
    "StepSequence",
    "Workspace",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'modelyard' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
