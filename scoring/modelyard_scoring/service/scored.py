"""Which of a service's models answer requests."""

from __future__ import annotations

import msgspec

from modelyard_scoring.service.folder import CODE_ENGINES, Code, ServedModel, Service


def scored_models(service: Service) -> list[ServedModel]:
    """List what answers requests, the one at ``/score`` first: the script, if there is one, and ONNX models.

    An application answers all of them; models beside it are its own to open.
    """
    code = service.code
    others = [model for model in service.models if model.engine not in CODE_ENGINES]
    if code is None:
        return others
    own = [model for model in service.models if model.engine in CODE_ENGINES]
    if code.application is not None:
        return [_scored(own, service.name, code, "application")]
    return [_scored(own, service.name, code, "script"), *others]


def _scored(own: list[ServedModel], name: str, code: Code, engine: str) -> ServedModel:
    """Give the first model of the code, or one that stands for it, with the sample of the code if it has none."""
    model = own[0] if own else ServedModel(name=name, version=1, path=code.path, engine=engine, files={})
    if model.sample is None:
        model = msgspec.structs.replace(model, sample=code.sample, tolerance=code.tolerance)
    return msgspec.structs.replace(model, engine=engine)
