"""Options: defaults filled in, and messages that name path, value, what is allowed, what is near."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import ConfigurationError, RegistryError
from crosshook.core.options import load_schema, resolve_options, validate

if TYPE_CHECKING:
    from crosshook.core.options import Schema

SCHEMA: Schema = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "$defs": {"size": {"type": "integer", "minimum": 1, "default": 8}},
    "properties": {
        "name": {"type": "string"},
        "bins": {"$ref": "#/$defs/size"},
        "rule": {"enum": ["maximum", "excess-share"], "default": "excess-share"},
        "share": {"type": "number", "exclusiveMinimum": 0, "maximum": 1, "default": 0.001},
        "inner": {
            "type": "object",
            "additionalProperties": False,
            "default": {},
            "properties": {"depth": {"type": "integer", "default": 2}},
        },
        "either": {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "required": ["use"],
                    "additionalProperties": False,
                    "properties": {"use": {"type": "string"}, "options": {"type": "object"}},
                },
            ]
        },
        "list": {"type": "array", "items": {"type": "integer"}},
    },
}


def test_defaults_are_filled_in_at_every_level() -> None:
    given: dict[str, object] = {"name": "x"}
    assert validate(SCHEMA, given, "file") == {
        "name": "x",
        "bins": 8,
        "rule": "excess-share",
        "share": 0.001,
        "inner": {"depth": 2},
    }
    assert given == {"name": "x"}


def test_defaults_are_not_shared_between_results() -> None:
    first, second = (validate(SCHEMA, {"name": "x"}, "file") for _ in range(2))
    inner = first["inner"]
    assert isinstance(inner, dict)
    inner["depth"] = 9
    assert second["inner"] == {"depth": 2}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"nam": 1, "name": "x"}, r"^run.yaml: nam: not allowed; did you mean name\?$"),
        ({"zzz": 1, "name": "x"}, r"^run.yaml: zzz: not allowed; allowed: name, bins, "),
        ({"name": "x", "rule": "maximun"}, r"rule: 'maximun' is not one of .*mean maximum\?$"),
        ({"name": "x", "bins": 0}, r"^run.yaml: bins: 0 is less than the minimum of 1$"),
        ({"name": "x", "inner": {"deep": 1}}, r"^run.yaml: inner.deep: not allowed; did you mean"),
        ({"name": "x", "list": [1, "a"]}, r"^run.yaml: list\[1\]: 'a' is not of type 'integer'$"),
        ({"name": "x", "either": {"uze": "a"}}, r"^run.yaml: either"),
        ({}, r"^run.yaml:? .*'name' is a required property$"),
    ],
)
def test_message_names_the_place(given: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        validate(SCHEMA, given, "run.yaml:")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_numbers_that_are_not_finite_are_refused(value: float) -> None:
    with pytest.raises(ConfigurationError, match=r"share: "):
        validate(SCHEMA, {"name": "x", "share": value}, "run.yaml:")


def test_whole_floats_become_integers_where_integers_are_asked_for() -> None:
    """YAML reads 1e6 as a string or float; JSON Schema calls 128.0 an integer, Python does not."""
    found = validate(SCHEMA, {"name": "x", "bins": 128.0}, "run.yaml:")
    assert type(found["bins"]) is int


def test_schema_is_found_by_package_and_path() -> None:
    schema = load_schema("crosshook.schemas:v1/components/vegas.json")
    assert schema["additionalProperties"] is False
    assert resolve_options(None, {}, "x") == {}


@pytest.mark.parametrize("reference", ["crosshook.schemas:v1/none.json", "no.such.package:x.json"])
def test_missing_schema_is_reported(reference: str) -> None:
    with pytest.raises(RegistryError, match=f"cannot read option schema {reference}"):
        load_schema(reference)
