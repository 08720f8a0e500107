"""A result read back from report.json, so that a report can be drawn again at any time."""

from __future__ import annotations

import dataclasses
import math
import types
import typing
from collections.abc import Mapping
from typing import TypeVar

from crosshook.core.errors import InputError
from crosshook.core.results import RunResult

T = TypeVar("T")

FORMAT = "crosshook-report/1"


def read_result(report: Mapping[str, object]) -> RunResult:
    """The result a report.json holds; null numbers become NaN again.

    Args:
        report: what `crosshook.core.results.as_json` made of a `RunResult`.

    Raises:
        InputError: if it is something else; the place in the document is named.
    """
    if report.get("format") != FORMAT:
        message = f"report: format is {report.get('format')!r}; this version reads {FORMAT!r}"
        raise InputError(message)
    return read_record(report, RunResult, "report")


def read_record(value: object, kind: type[T], where: str) -> T:
    """A dataclass from a mapping with exactly its fields.

    Args:
        value: from JSON.
        kind: a class of `crosshook.core.results`.
        where: it stands, for errors.

    Raises:
        InputError: if it is something else.
    """
    if not isinstance(value, Mapping):
        raise _mismatch(value, "an object", where)
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for name in value:
        if name not in fields:
            message = f"{where}: {name!r} is not a field of a report"
            raise InputError(message)
    hints = typing.get_type_hints(kind)
    made: dict[str, object] = {}
    for name, field in fields.items():
        if name in value:
            made[name] = _read(value[name], hints[name], f"{where}.{name}")
        elif field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            message = f"{where}: {name!r} is missing"
            raise InputError(message)
    return kind(**made)


def _read(value: object, hint: object, where: str) -> object:
    """A value as its type says: JSON has no NaN, no tuples and no difference of 1 and 1.0."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is object:
        return value
    if hint is float:
        return _number(value, where)
    if origin is types.UnionType:  # every union of the results is `X | None`
        chosen = next(a for a in arguments if a is not type(None))
        return None if value is None else _read(value, chosen, where)
    if origin is tuple:
        return _tuple(value, arguments, where)
    if origin is dict:
        if not isinstance(value, Mapping):
            raise _mismatch(value, "an object", where)
        return {str(k): _read(v, arguments[1], f"{where}.{k}") for k, v in value.items()}
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return read_record(value, hint, where)
    assert isinstance(hint, type)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise _mismatch(value, _NAMES.get(hint, hint.__name__), where)
    return value


def _number(value: object, where: str) -> float:
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _mismatch(value, "a number or null", where)
    return float(value)


def _tuple(value: object, arguments: tuple[object, ...], where: str) -> tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise _mismatch(value, "a list", where)
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_read(v, arguments[0], f"{where}[{i}]") for i, v in enumerate(value))
    if len(value) != len(arguments):
        raise _mismatch(value, f"a list of {len(arguments)}", where)
    pairs = zip(value, arguments, strict=True)
    return tuple(_read(v, a, f"{where}[{i}]") for i, (v, a) in enumerate(pairs))


_NAMES: dict[type, str] = {int: "a whole number", str: "text", bool: "true or false"}


def _mismatch(value: object, allowed: str, where: str) -> InputError:
    text = repr(value)
    return InputError(f"{where}: {text if len(text) < 60 else text[:57] + '...'} is not {allowed}")
