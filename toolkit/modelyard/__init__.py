"""Take a trained model from the script to a running, measured, supervised service, on your own machines.

The names that people type first are here; each is loaded when it is first used, so that importing costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelyard.compute.errors import ComputeTargetException
    from modelyard.pipelines.graph import Retries, Reuse
    from modelyard.sdk.compute.target import AmlCompute, ComputeTarget
    from modelyard.sdk.data.dataset import Dataset
    from modelyard.sdk.data.datastore import Datastore
    from modelyard.sdk.data.reference import DataPath, DataReference
    from modelyard.sdk.environment import Environment
    from modelyard.sdk.experiment import Experiment
    from modelyard.sdk.image.image import Image
    from modelyard.sdk.model.model import Model
    from modelyard.sdk.pipeline.data import PipelineData
    from modelyard.sdk.pipeline.deployment import DeployStep
    from modelyard.sdk.pipeline.endpoint import PipelineEndpoint
    from modelyard.sdk.pipeline.function import FunctionStep, OutputFile, OutputFolder, step
    from modelyard.sdk.pipeline.parameter import PipelineParameter
    from modelyard.sdk.pipeline.pipeline import Pipeline
    from modelyard.sdk.pipeline.published import PublishedPipeline
    from modelyard.sdk.pipeline.registration import RegisterModelStep
    from modelyard.sdk.pipeline.run import PipelineRun
    from modelyard.sdk.pipeline.sequence import StepSequence
    from modelyard.sdk.pipeline.step import CommandStep, PythonScriptStep, StepOptions
    from modelyard.sdk.pipeline.step_run import StepRun
    from modelyard.sdk.pipeline.transfer import DataTransferStep
    from modelyard.sdk.run.run import Run
    from modelyard.sdk.run.script import ScriptRunConfig
    from modelyard.sdk.service.service import Service
    from modelyard.sdk.workspace import Workspace
    from modelyard.services.policy import Policy
    from modelyard.services.settings import ServiceSettings

_HOMES = {
    "CommandStep": "modelyard.sdk.pipeline.step",
    "DataPath": "modelyard.sdk.data.reference",
    "AmlCompute": "modelyard.sdk.compute.target",
    "ComputeTarget": "modelyard.sdk.compute.target",
    "ComputeTargetException": "modelyard.compute.errors",
    "DataReference": "modelyard.sdk.data.reference",
    "DataTransferStep": "modelyard.sdk.pipeline.transfer",
    "Dataset": "modelyard.sdk.data.dataset",
    "Datastore": "modelyard.sdk.data.datastore",
    "DeployStep": "modelyard.sdk.pipeline.deployment",
    "Environment": "modelyard.sdk.environment",
    "Experiment": "modelyard.sdk.experiment",
    "FunctionStep": "modelyard.sdk.pipeline.function",
    "Image": "modelyard.sdk.image.image",
    "Model": "modelyard.sdk.model.model",
    "OutputFile": "modelyard.sdk.pipeline.function",
    "OutputFolder": "modelyard.sdk.pipeline.function",
    "Pipeline": "modelyard.sdk.pipeline.pipeline",
    "PipelineData": "modelyard.sdk.pipeline.data",
    "PipelineEndpoint": "modelyard.sdk.pipeline.endpoint",
    "PipelineParameter": "modelyard.sdk.pipeline.parameter",
    "PipelineRun": "modelyard.sdk.pipeline.run",
    "Policy": "modelyard.services.policy",
    "PublishedPipeline": "modelyard.sdk.pipeline.published",
    "PythonScriptStep": "modelyard.sdk.pipeline.step",
    "RegisterModelStep": "modelyard.sdk.pipeline.registration",
    "Retries": "modelyard.pipelines.graph",
    "Reuse": "modelyard.pipelines.graph",
    "Run": "modelyard.sdk.run.run",
    "ScriptRunConfig": "modelyard.sdk.run.script",
    "Service": "modelyard.sdk.service.service",
    "ServiceSettings": "modelyard.services.settings",
    "StepRun": "modelyard.sdk.pipeline.step_run",
    "StepOptions": "modelyard.sdk.pipeline.step",
    "StepSequence": "modelyard.sdk.pipeline.sequence",
    "Workspace": "modelyard.sdk.workspace",
    "step": "modelyard.sdk.pipeline.function",
}

__all__ = [
    "AmlCompute",
    "CommandStep",
    "ComputeTarget",
    "ComputeTargetException",
    "DataPath",
    "DataReference",
    "DataTransferStep",
    "Dataset",
    "Datastore",
    "DeployStep",
    "Environment",
    "Experiment",
    "FunctionStep",
    "Image",
    "Model",
    "OutputFile",
    "OutputFolder",
    "Pipeline",
    "PipelineData",
    "PipelineEndpoint",
    "PipelineParameter",
    "PipelineRun",
    "Policy",
    "PublishedPipeline",
    "PythonScriptStep",
    "RegisterModelStep",
    "Retries",
    "Reuse",
    "Run",
    "ScriptRunConfig",
    "Service",
    "ServiceSettings",
    "StepOptions",
    "StepRun",
    "StepSequence",
    "Workspace",
    "step",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'modelyard' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
