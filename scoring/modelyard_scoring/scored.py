"""Which of a service's models answer requests."""

from __future__ import annotations

from modelyard_scoring.folder import ServedModel, Service


def scored_models(service: Service) -> list[ServedModel]:
    """List what answers requests, the one at ``/score`` first: the script, if there is one, and ONNX models."""
    others = [model for model in service.models if model.engine != "script"]
    if service.code is None:
        return others
    scripts = [model for model in service.models if model.engine == "script"]
    script = ServedModel(name=service.name, version=1, path=service.code.path, engine="script", files={})
    return [*scripts[:1], *others] if scripts else [script, *others]
