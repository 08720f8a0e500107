"""Tables of options out of JSON Schemas."""

from __future__ import annotations

import json
from typing import cast

from docstrings import escaped

from crosshook import schemas
from crosshook.core.cli.plugins import allowed
from crosshook.core.options import load_schema
from crosshook.core.registry import default_registry

Rule = dict[str, object]
HEAD = "| key | what is allowed | default | meaning |\n|---|---|---|---|"


def run_file_table(*keys: str) -> str:
    """Rows of the run file's schema for some of its keys, e.g. `beams` or `sampling.training`."""
    return _table("v1/run", *keys)


def surrogate_file_table(*keys: str) -> str:
    """Likewise for the run file of `crosshook surrogate train`."""
    return _table("v1/surrogate", *keys)


def unfold_file_table(*keys: str) -> str:
    """Likewise for the run file of `crosshook unfold`."""
    return _table("v1/unfold", *keys)


def transfer_file_table(*keys: str) -> str:
    """Likewise for the run file of `crosshook transfer train`."""
    return _table("v1/transfer", *keys)


def inference_file_table(*keys: str) -> str:
    """Likewise for the run file of `crosshook infer`."""
    return _table("v1/infer", *keys)


def _table(schema: str, *keys: str) -> str:
    root = schemas.load(schema)
    rows = []
    for path in keys:
        *above, key = path.split(".")
        parent: Rule = root
        for name in above:
            parent = cast("dict[str, Rule]", parent["properties"])[name]
        required = cast("list[str]", parent.get("required", []))
        rule = cast("dict[str, Rule]", parent["properties"])[key]
        rows += _rows(path, rule, root, key in required)
    return "\n".join([HEAD, *rows])


def option_table(interface: str, name: str) -> str:
    """Options of a component; a sentence if it has none."""
    schema = load_schema(default_registry().get(interface, name).component.schema)
    properties = cast("dict[str, Rule]", schema["properties"])
    required = cast("list[str]", schema.get("required", []))
    if not properties:
        return "No options."
    rows = [row for key in properties for row in _rows(key, properties[key], {}, key in required)]
    return "\n".join([HEAD, *rows])


def _rows(path: str, rule: Rule, root: Rule, required: bool = False) -> list[str]:
    rule = _resolved(rule, root)
    inner = rule.get("properties")
    if isinstance(inner, dict):
        needed = cast("list[str]", rule.get("required", []))
        rows = [_row(path, rule, required)] if "description" in rule else []
        for key, part in inner.items():
            rows += _rows(f"{path}.{key}", part, root, key in needed)
        return rows
    rows = [_row(path, rule, required)]
    every = rule.get("additionalProperties")
    if isinstance(every, dict):
        needed = cast("list[str]", every.get("required", []))
        for key, part in cast("dict[str, Rule]", every.get("properties", {})).items():
            rows += _rows(f"{path}.NAME.{key}", part, root, key in needed)
    return rows


def _resolved(rule: Rule, root: Rule) -> Rule:
    """A rule with what it refers to put in; slots and files keep the names readers know."""
    reference = rule.get("$ref")
    if not isinstance(reference, str) or reference.endswith(("slot", "files")):
        return rule
    known = cast("dict[str, Rule]", root.get("$defs", {})).get(reference.rpartition("/")[2])
    if known is None:
        return rule
    return {**known, **{key: value for key, value in rule.items() if key != "$ref"}}


def _row(path: str, rule: Rule, required: bool) -> str:
    default = "required" if required else "–"
    if "default" in rule and rule["default"] not in ({}, ""):
        default = f"`{json.dumps(rule['default'], ensure_ascii=False)}`"
    text = escaped(str(rule.get("description", "")))
    return f"| `{path}` | {_kind(rule)} | {default} | {text} |"


def _kind(rule: Rule) -> str:
    """Type and range in words."""
    reference = rule.get("$ref")
    if isinstance(reference, str):
        name = reference.rpartition("/")[2]
        return "component" if name.endswith("slot") else name
    if "anyOf" in rule:
        return " or ".join(_kind(part) for part in cast("list[Rule]", rule["anyOf"]))
    if "enum" in rule:
        return " or ".join(f"`{value}`" for value in cast("list[object]", rule["enum"]))
    if "properties" in rule or rule.get("type") == "object":
        return "keys below"
    if rule.get("type") == "array":
        low, high = rule.get("minItems"), rule.get("maxItems")
        count = f"{low} × " if low is not None and low == high else "list of "
        return f"{count}{_kind(cast('Rule', rule['items']))}"
    return allowed(rule)
