"""Which of a service's models answer requests."""

from __future__ import annotations

import msgspec

from modelyard_scoring.service.folder import CODE_ENGINES, ServedModel, Service


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
        return [_application(own, service.name, code.path)]
    script = ServedModel(name=service.name, version=1, path=code.path, engine="script", files={})
    return [*own[:1], *others] if own else [script, *others]


def _application(own: list[ServedModel], name: str, path: str) -> ServedModel:
    if own:
        return msgspec.structs.replace(own[0], engine="application")
    return ServedModel(name=name, version=1, path=path, engine="application", files={})
