"""Azure's names for what scripts import: offered where the real packages are not installed."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_log = logging.getLogger(__name__)
_OWN = "modelyard_scoring"
_RAW = {"AMLRequest": "raw", "rawhttp": "raw", "AMLResponse": "raw"}
_MODEL = {"Model": "model"}
_TYPES = ["AbstractParameterType", "NumpyParameterType", "PandasParameterType", "StandardPythonParameterType"]
_DECORATORS = {"input_schema": "schema_decorators", "output_schema": "schema_decorators"}
OFFERED: Mapping[str, Mapping[str, str]] = {
    "azureml.contrib.services.aml_request": _RAW,
    "azureml.contrib.services.aml_response": _RAW,
    "azureml_inference_server_http.api.aml_request": _RAW,
    "azureml_inference_server_http.api.aml_response": _RAW,
    "azureml.core": _MODEL,
    "azureml.core.model": _MODEL,
    "inference_schema.schema_decorators": _DECORATORS,
    "inference_schema.parameter_types.abstract_parameter_type": {_TYPES[0]: "parameter_types"},
    "inference_schema.parameter_types.numpy_parameter_type": {_TYPES[1]: "parameter_types"},
    "inference_schema.parameter_types.pandas_parameter_type": {_TYPES[2]: "parameter_types"},
    "inference_schema.parameter_types.standard_py_parameter_type": {_TYPES[3]: "parameter_types"},
}
"""For each module, its names and where ours are."""

NOT_READ = {
    "AML_APP_INSIGHTS_ENABLED": "the log and /metrics say what happens",
    "AML_APP_INSIGHTS_KEY": "the log and /metrics say what happens",
    "AML_CORS_ORIGINS": "see the options for CORS",
    "AZUREML_CONFIG_FILE": "settings are options and variables",
    "AZUREML_DEBUG_PORT": "use --debug and --debug-port",
    "AZUREML_LOG_LEVEL": "use --log-level",
    "AZUREML_SOURCE_DIRECTORY": "the folder of the code is in service.json",
    "HEALTH_PORT": "see the options for ports",
    "SCORING_TIMEOUT_MS": "use the limit timeout in service.json",
    "SERVER_PORT": "use --port",
    "WORKER_COUNT": "use --workers",
    "WORKER_PRELOAD": "each worker loads the script itself",
    "WORKER_TIMEOUT": "use the limit timeout in service.json",
}
"""The variables that Azure's server reads and this one does not, and what there is instead."""


def offer() -> None:
    """Have imports of Azure's modules find ours where nothing else is found."""
    sys.meta_path.append(_Finder())


def warn_of_variables() -> None:
    """Log each variable that is set and means something to Azure's server, but not here."""
    for name, instead in NOT_READ.items():
        if name in os.environ:
            _log.warning("The variable %s is not read; %s.", name, instead)


class _Finder(MetaPathFinder):
    def find_spec(
        self,
        name: str,
        path: Sequence[str] | None,  # noqa: ARG002 - the import system's signature
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> ModuleSpec | None:
        package = any(offered.startswith(f"{name}.") for offered in OFFERED)
        if name in OFFERED or package:
            return ModuleSpec(name, _Loader(), is_package=package)
        return None


class _Loader(Loader):
    def create_module(self, spec: ModuleSpec) -> ModuleType | None:  # noqa: ARG002 - the import system's signature
        return None

    def exec_module(self, module: ModuleType) -> None:
        for name, place in OFFERED.get(module.__name__, {}).items():
            setattr(module, name, getattr(importlib.import_module(f"{_OWN}.{place}"), name))
