"""Validates mappings against JSON Schemas: defaults filled in, messages with path and suggestion.

The schema is the one source of options: types, ranges, defaults and help. Factories have no
defaults of their own.
"""

from __future__ import annotations

import copy
import json
import math
from difflib import get_close_matches
from importlib import resources
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import ConfigurationError, RegistryError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from jsonschema import ValidationError

Schema = dict[str, object]

NO_OPTIONS: Schema = {"type": "object", "properties": {}, "additionalProperties": False}


def load_schema(reference: str | None) -> Schema:
    """The schema a component names as `package:path/to/file.json`.

    Args:
        reference: the reference, or None for a component without options.

    Raises:
        RegistryError: if the file is missing or no JSON.
    """
    if reference is None:
        return copy.deepcopy(NO_OPTIONS)
    package, _, path = reference.partition(":")
    try:
        text = resources.files(package).joinpath(path).read_text("utf-8")
        schema: Schema = json.loads(text)
    except (ImportError, OSError, ValueError) as error:
        message = f"cannot read option schema {reference}: {error}"
        raise RegistryError(message) from error
    return schema


def resolve_options(
    reference: str | None, options: Mapping[str, object], where: str
) -> dict[str, object]:
    """A component's options, complete and valid.

    Args:
        reference: the component's schema.
        options: as given by the user.
        where: path for messages, e.g. `run.yaml: sampling.channel_mapping.options`.
    """
    return validate(load_schema(reference), options, where)


def validate(schema: Schema, value: Mapping[str, object], where: str) -> dict[str, object]:
    """Checks a mapping and fills in the schema's defaults.

    Args:
        schema: a JSON Schema (2020-12) of type object.
        value: the mapping.
        where: what the paths in messages start with.

    Returns:
        A new mapping.

    Raises:
        ConfigurationError: naming path, value, what is allowed and, where one is near, a suggestion.
    """
    from jsonschema import Draft202012Validator

    filled = fill_defaults(schema, copy.deepcopy(dict(value)), schema)
    errors = sorted(
        Draft202012Validator(schema).iter_errors(filled), key=lambda e: (len(e.path), str(e.path))
    )
    if errors:
        raise ConfigurationError(_message(_deepest(errors[0]), where))
    _refuse_infinities(filled, where, "")
    return cast("dict[str, object]", _whole(schema, filled, schema))


def fill_defaults(schema: Schema, value: dict[str, object], root: Schema) -> dict[str, object]:
    """Adds the defaults of missing properties, level by level."""
    properties = schema.get("properties")
    if not isinstance(properties, dict):
        return value
    for name, part in properties.items():
        rule = _resolve(part, root)
        if name not in value and "default" in rule:
            value[name] = copy.deepcopy(rule["default"])
        inner = value.get(name)
        if isinstance(inner, dict) and "properties" in rule:
            value[name] = fill_defaults(rule, inner, root)
    return value


def _refuse_infinities(value: object, where: str, path: str) -> None:
    """NaN passes every range of a JSON Schema, and JSON cannot write it or an infinity down."""
    if isinstance(value, float) and not math.isfinite(value):
        message = f"{_join(where, path)}: {value} is not a finite number"
        raise ConfigurationError(message)
    if isinstance(value, dict):
        for key, inner in value.items():
            _refuse_infinities(inner, where, f"{path}.{key}")
    elif isinstance(value, list):
        for i, inner in enumerate(value):
            _refuse_infinities(inner, where, f"{path}[{i}]")


def _whole(rule: Schema, value: object, root: Schema) -> object:
    """Makes 128.0 an int where an integer is asked for: to JSON Schema it is one already."""
    rule = _resolve(rule, root)
    if rule.get("type") == "integer" and isinstance(value, float):
        return int(value)
    if isinstance(value, dict):
        parts = cast("dict[str, Schema]", rule.get("properties", {}))
        others = rule.get("additionalProperties")
        other: Schema = others if isinstance(others, dict) else {}
        return {k: _whole(parts.get(k, other), v, root) for k, v in value.items()}
    items = rule.get("items")
    if isinstance(value, list) and isinstance(items, dict):
        return [_whole(items, v, root) for v in value]
    return value


def _resolve(part: Schema, root: Schema) -> Schema:
    reference = part.get("$ref")
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return part
    found: object = root
    for key in reference[2:].split("/"):
        found = cast("Schema", found)[key]
    return {**cast("Schema", found), **{k: v for k, v in part.items() if k != "$ref"}}


def _deepest(error: ValidationError) -> ValidationError:
    """Of the branches of anyOf/oneOf, the error of the one that came furthest."""
    while error.context:
        typed = [e for e in error.context if not (e.validator == "type" and not e.relative_path)]
        if not typed:
            return error
        error = max(typed, key=lambda e: len(e.path))
    return error


def _message(error: ValidationError, where: str) -> str:
    path = "".join(f"[{p}]" if isinstance(p, int) else f".{p}" for p in error.absolute_path)
    place = _join(where, path)
    schema = error.schema if isinstance(error.schema, dict) else {}
    if error.validator == "additionalProperties":
        known = list(schema.get("properties", {}))
        extra = [k for k in cast("Mapping[str, object]", error.instance) if k not in known]
        near = get_close_matches(str(extra[0]), known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"allowed: {', '.join(known) or 'nothing'}"
        return f"{_join(where, f'{path}.{extra[0]}')}: not allowed; {hint}"
    if error.validator == "enum":
        allowed = [str(v) for v in schema["enum"]]
        near = get_close_matches(str(error.instance), allowed, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        return f"{place}: {error.instance!r} is not one of {', '.join(allowed)}{hint}"
    if error.validator == "required":
        return f"{place}: {error.message}"
    if error.validator in ("anyOf", "oneOf"):
        hint = schema.get("description", "see the schema")
        return f"{place}: {error.instance!r} is not allowed; {hint}"
    return f"{place}: {error.message}"


def _join(where: str, path: str) -> str:
    if not path:
        return where.rstrip(": ")
    if where.endswith((":", ": ")):
        return f"{where.rstrip()} {path.lstrip('.')}"
    return f"{where}{path}" if where else path.lstrip(".")
