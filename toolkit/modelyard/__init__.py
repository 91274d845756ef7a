"""Take a trained model from the script to a running, measured, supervised service, on your own machines.

The names that people type first are here; each is loaded when it is first used, so that importing costs little.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelyard.sdk.data.dataset import Dataset
    from modelyard.sdk.data.datastore import Datastore
    from modelyard.sdk.data.reference import DataReference
    from modelyard.sdk.environment import Environment
    from modelyard.sdk.experiment import Experiment
    from modelyard.sdk.image.image import Image
    from modelyard.sdk.model.model import Model
    from modelyard.sdk.run.run import Run
    from modelyard.sdk.run.script import ScriptRunConfig
    from modelyard.sdk.service.service import Service
    from modelyard.sdk.workspace import Workspace
    from modelyard.services.policy import Policy
    from modelyard.services.settings import ServiceSettings

_HOMES = {
    "DataReference": "modelyard.sdk.data.reference",
    "Dataset": "modelyard.sdk.data.dataset",
    "Datastore": "modelyard.sdk.data.datastore",
    "Environment": "modelyard.sdk.environment",
    "Experiment": "modelyard.sdk.experiment",
    "Image": "modelyard.sdk.image.image",
    "Model": "modelyard.sdk.model.model",
    "Policy": "modelyard.services.policy",
    "Run": "modelyard.sdk.run.run",
    "ScriptRunConfig": "modelyard.sdk.run.script",
    "Service": "modelyard.sdk.service.service",
    "ServiceSettings": "modelyard.services.settings",
    "Workspace": "modelyard.sdk.workspace",
}

__all__ = [
    "DataReference",
    "Dataset",
    "Datastore",
    "Environment",
    "Experiment",
    "Image",
    "Model",
    "Policy",
    "Run",
    "ScriptRunConfig",
    "Service",
    "ServiceSettings",
    "Workspace",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'modelyard' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
