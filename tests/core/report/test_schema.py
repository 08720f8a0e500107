"""schemas/v1/report.json and the dataclasses of the results say the same."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import jsonschema
import pytest

from crosshook import schemas
from crosshook.core import generation_result, results, training_result
from crosshook.core.report.reading import read_result

if TYPE_CHECKING:
    from crosshook.core.results import RunResult


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    """Of the report's schema, itself checked."""
    schema = schemas.load("v1/report")
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_a_result_validates(
    run_result: RunResult, validator: jsonschema.Draft202012Validator
) -> None:
    """With and without events, with numbers that are not finite."""
    validator.validate(json.loads(json.dumps(results.as_json(run_result), allow_nan=False)))
    bare = dataclasses.replace(run_result, generation=None, seconds=float("nan"))
    validator.validate(json.loads(json.dumps(results.as_json(bare), allow_nan=False)))


def test_reading_inverts_writing(run_result: RunResult) -> None:
    """Every field comes back, also through text."""
    made = json.loads(json.dumps(results.as_json(run_result)))
    assert read_result(made) == run_result


def test_schema_has_every_field() -> None:
    """A field added to a result without its description in the schema fails here."""
    schema = schemas.load("v1/report")
    definitions, properties = schema["$defs"], schema["properties"]
    assert isinstance(definitions, dict)
    assert isinstance(properties, dict)
    assert set(properties) == {f.name for f in dataclasses.fields(results.RunResult)}
    for name, definition in definitions.items():
        home = next(m for m in (results, generation_result, training_result) if hasattr(m, name))
        record = getattr(home, name)
        assert set(definition["properties"]) == {f.name for f in dataclasses.fields(record)}, name


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("format",), "crosshook-report/2"),
        (("seed",), "1"),
        (("integration", "cross_section"), "474"),
        (("integration", "running", 0), [1, 2.0]),
        (("generation", "files", 0, "sha256"), "xyz"),
        (("generation", "events"), -1),
        (("extra",), 1),
    ],
)
def test_schema_rejects(
    run_result: RunResult,
    validator: jsonschema.Draft202012Validator,
    path: tuple[str | int, ...],
    value: object,
) -> None:
    """Wrong values are found where they are."""
    made = json.loads(json.dumps(results.as_json(run_result)))
    place = made
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not validator.is_valid(made)
