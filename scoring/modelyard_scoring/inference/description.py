"""What clients are told of the server and of its models."""

from __future__ import annotations

from typing import Any

from msgspec import to_builtins

from modelyard_scoring import __version__
from modelyard_scoring.errors import FormError
from modelyard_scoring.inference.contract import Contract, TensorSpec, sizes
from modelyard_scoring.inference.datatype import datatype_of_field
from modelyard_scoring.service.folder import ServedModel, Service
from modelyard_scoring.service.signature import Field

EXTENSIONS = ("binary_tensor_data",)
_PLATFORMS = {"onnx": "onnx_onnxv1", "script": "python"}


def server(service: Service) -> dict[str, Any]:
    """Describe the server."""
    return {"name": service.name, "version": __version__, "extensions": list(EXTENSIONS)}


def model(served: ServedModel, contract: Contract | None) -> dict[str, Any]:
    """Describe a model; of one that takes no tensors, what its signature says, if it has any."""
    if contract is not None:
        inputs, outputs = [one.spec for one in contract.inputs.values()], list(contract.outputs)
    else:
        signature = served.signature
        inputs = [_spec(field) for field in signature.inputs] if signature else []
        outputs = [_spec(field) for field in signature.outputs] if signature else []
    return {
        "name": served.name,
        "versions": [str(served.version)],
        "platform": _PLATFORMS.get(served.engine, served.engine),
        "inputs": to_builtins(inputs),
        "outputs": to_builtins(outputs),
    }


def contract_of(engine: object) -> Contract | None:
    """Give the tensors that an engine takes; None for one that takes other things, as scripts do."""
    contract: Contract | None = getattr(engine, "contract", None)
    return contract


def needed_contract(served: ServedModel, engine: object) -> Contract:
    """Give the tensors that an engine takes.

    Raises
    ------
    FormError
        If it takes none.
    """
    contract = contract_of(engine)
    if contract is None:
        wanted = f"a request to /score or /score/{served.name}, since {served.name!r} is no model that takes tensors"
        raise FormError(wanted, "tensors")
    return contract


def _spec(field: Field) -> TensorSpec:
    return TensorSpec(name=field.name, datatype=datatype_of_field(field.type), shape=sizes(field.shape))
