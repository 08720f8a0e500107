"""The JSON document of a file: exact round trip, and its schema."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING

import jsonschema
import pytest

from crosshook import schemas
from crosshook.core.cross_section import WeightSums
from crosshook.core.errors import InputError
from crosshook.core.events.document import read_document, write_document
from crosshook.core.events.run_info import RunInfo

if TYPE_CHECKING:
    from crosshook.core.events.batch import EventBatch


def test_run_information_survives(info: RunInfo, batch: EventBatch) -> None:
    sums = WeightSums()
    sums.add(batch)
    text = write_document(info, sums)
    assert read_document(text) == info
    jsonschema.validate(json.loads(text), schemas.load("v1/events"))
    assert text.isascii()


def test_schema_names_every_field() -> None:
    schema = schemas.load("v1/events")
    described = schema["properties"]["run"]["properties"]  # type: ignore[index]
    assert set(described) == {f.name for f in fields(RunInfo)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "cannot be read"),
        ('{"format": "other", "version": 1}', "'other' version 1"),
        ('{"format": "crosshook events", "version": 2}', "version 2"),
        ('{"format": "crosshook events", "version": 1, "run": {}}', "cannot be read"),
    ],
)
def test_other_documents_are_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_document(text)
