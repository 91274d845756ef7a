"""The messages of ``inference.GRPCInferenceService``, described field by field, so that no code is generated."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor_pb2 import DescriptorProto, FieldDescriptorProto, FileDescriptorProto

PACKAGE: Final = "inference"
SERVICE: Final = f"{PACKAGE}.GRPCInferenceService"

_FIELD = FieldDescriptorProto
_SCALARS = {
    name: getattr(_FIELD, f"TYPE_{name.upper()}")
    for name in ("bool", "int32", "int64", "uint32", "uint64", "float", "double", "bytes", "string")
}
_MAP = "map to "

# Each field: its number, its name, and its type; "*" before a type is for repeated fields.
_CHOICES = {
    "InferParameter": (
        "parameter_choice",
        [
            (1, "bool_param", "bool"),
            (2, "int64_param", "int64"),
            (3, "string_param", "string"),
            (4, "double_param", "double"),
            (5, "uint64_param", "uint64"),
        ],
    )
}
_MESSAGES = {
    "ServerLiveRequest": [],
    "ServerLiveResponse": [(1, "live", "bool")],
    "ServerReadyRequest": [],
    "ServerReadyResponse": [(1, "ready", "bool")],
    "ModelReadyRequest": [(1, "name", "string"), (2, "version", "string")],
    "ModelReadyResponse": [(1, "ready", "bool")],
    "ServerMetadataRequest": [],
    "ServerMetadataResponse": [(1, "name", "string"), (2, "version", "string"), (3, "extensions", "*string")],
    "ModelMetadataRequest": [(1, "name", "string"), (2, "version", "string")],
    "ModelMetadataResponse.TensorMetadata": [(1, "name", "string"), (2, "datatype", "string"), (3, "shape", "*int64")],
    "ModelMetadataResponse": [
        (1, "name", "string"),
        (2, "versions", "*string"),
        (3, "platform", "string"),
        (4, "inputs", "*ModelMetadataResponse.TensorMetadata"),
        (5, "outputs", "*ModelMetadataResponse.TensorMetadata"),
    ],
    "InferTensorContents": [
        (1, "bool_contents", "*bool"),
        (2, "int_contents", "*int32"),
        (3, "int64_contents", "*int64"),
        (4, "uint_contents", "*uint32"),
        (5, "uint64_contents", "*uint64"),
        (6, "fp32_contents", "*float"),
        (7, "fp64_contents", "*double"),
        (8, "bytes_contents", "*bytes"),
    ],
    "ModelInferRequest.InferInputTensor": [
        (1, "name", "string"),
        (2, "datatype", "string"),
        (3, "shape", "*int64"),
        (4, "parameters", _MAP + "InferParameter"),
        (5, "contents", "InferTensorContents"),
    ],
    "ModelInferRequest.InferRequestedOutputTensor": [
        (1, "name", "string"),
        (2, "parameters", _MAP + "InferParameter"),
    ],
    "ModelInferRequest": [
        (1, "model_name", "string"),
        (2, "model_version", "string"),
        (3, "id", "string"),
        (4, "parameters", _MAP + "InferParameter"),
        (5, "inputs", "*ModelInferRequest.InferInputTensor"),
        (6, "outputs", "*ModelInferRequest.InferRequestedOutputTensor"),
        (7, "raw_input_contents", "*bytes"),
    ],
    "ModelInferResponse.InferOutputTensor": [
        (1, "name", "string"),
        (2, "datatype", "string"),
        (3, "shape", "*int64"),
        (4, "parameters", _MAP + "InferParameter"),
        (5, "contents", "InferTensorContents"),
    ],
    "ModelInferResponse": [
        (1, "model_name", "string"),
        (2, "model_version", "string"),
        (3, "id", "string"),
        (4, "parameters", _MAP + "InferParameter"),
        (5, "outputs", "*ModelInferResponse.InferOutputTensor"),
        (6, "raw_output_contents", "*bytes"),
    ],
}


class Messages:
    """The classes of the messages, as attributes by their names.

    They are in a pool of their own: a script that is served beside them may have a client of the protocol loaded.
    """

    def __init__(self) -> None:
        pool = descriptor_pool.DescriptorPool()
        pool.Add(_file())
        self._pool = pool

    def __getattr__(self, name: str) -> Any:
        found = message_factory.GetMessageClass(self._pool.FindMessageTypeByName(f"{PACKAGE}.{name}"))
        setattr(self, name, found)
        return found


def _file() -> FileDescriptorProto:
    file = FileDescriptorProto(name="modelyard_inference.proto", package=PACKAGE, syntax="proto3")
    made: dict[str, DescriptorProto] = {}
    for name in sorted({**_MESSAGES, **_CHOICES}, key=lambda name: name.count(".")):
        outer, _, own = name.rpartition(".")
        made[name] = (made[outer].nested_type if outer else file.message_type).add(name=own)
    for name, fields in _MESSAGES.items():
        for number, field, kind in fields:
            _add_field(made[name], name, number, field, kind)
    for name, (choice, fields) in _CHOICES.items():
        made[name].oneof_decl.add(name=choice)
        for number, field, kind in fields:
            _add_field(made[name], name, number, field, kind)
            made[name].field[-1].oneof_index = 0
    return file


def _add_field(message: DescriptorProto, path: str, number: int, name: str, kind: str) -> None:
    repeated = kind.startswith(("*", _MAP))
    label = _FIELD.LABEL_REPEATED if repeated else _FIELD.LABEL_OPTIONAL
    field = message.field.add(name=name, number=number, label=label)
    if kind.startswith(_MAP):
        entry = message.nested_type.add(name=f"{name.capitalize()}Entry")
        entry.options.map_entry = True
        _add_field(entry, path, 1, "key", "string")
        _add_field(entry, path, 2, "value", kind.removeprefix(_MAP))
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{PACKAGE}.{path}.{entry.name}"
        return
    kind = kind.removeprefix("*")
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type, field.type_name = _FIELD.TYPE_MESSAGE, f".{PACKAGE}.{kind}"
