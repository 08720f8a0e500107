"""ONNX files of strangers: read, and refused if there is more in them than standard operators.

A model can name operators of other libraries and keep its numbers in other files, by any path.
onnxruntime would be asked for both; here neither gets that far.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from google.protobuf.message import Message
    from onnx import TensorProto

STANDARD: Final = frozenset({"", "ai.onnx", "ai.onnx.ml"})
"""Domains of operators every runtime has."""


def read_model(path: Path) -> bytes:
    """The bytes of a file.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        message = f"{path}: {error.strerror}; an ONNX file is needed here"
        raise InputError(message) from error


def check_model(data: bytes, where: str) -> None:
    """Refuses what is no model of standard operators that holds all its numbers.

    Args:
        data: of the file.
        where: its name, for messages.

    Raises:
        InputError: if it is no ONNX, or needs operators or files of somebody else's.
    """
    from google.protobuf.message import DecodeError  # come with the extra
    from onnx import ModelProto

    try:
        model = ModelProto.FromString(data)
    except DecodeError as error:
        message = f"{where}: no ONNX file"
        raise InputError(message) from error
    if not model.graph.output:
        message = f"{where}: no ONNX file: there is no graph with outputs in it"
        raise InputError(message)
    known = STANDARD | {function.domain for function in model.functions}
    for part in _parts(model):
        kind = part.DESCRIPTOR.name
        if kind == "NodeProto" and part.domain not in known:
            operator = f"{part.domain}.{part.op_type}"
            message = (
                f"{where}: operator {operator} is none of the ONNX standard; they are refused"
            )
            raise InputError(message)
        if kind == "TensorProto" and _is_elsewhere(part):
            message = (
                f"{where}: tensor {part.name!r} lies in another file; "
                "save the model as one file, with external_data=False"
            )
            raise InputError(message)


def _is_elsewhere(tensor: TensorProto) -> bool:
    return bool(tensor.external_data) or tensor.data_location == tensor.EXTERNAL


def _parts(message: Message) -> Iterator[Message]:
    """The message and all in it: graphs within nodes, functions, attributes."""
    from google.protobuf.message import Message

    yield message
    for field, value in message.ListFields():
        if field.message_type is not None:
            for part in [value] if isinstance(value, Message) else value:
                yield from _parts(part)
