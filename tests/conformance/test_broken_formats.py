"""Event formats: the built-in LHE format with one defect each, and what is found."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from crosshook.core.component import Capabilities
from crosshook.core.errors import OutputError
from crosshook.core.registry import default_registry
from crosshook.core.testkit.event_cases import difference, events, shown

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from crosshook.core.context import BuildContext
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo
    from crosshook.core.interfaces.event_format import EventFormat, EventStream, EventWriter


class Writer:
    """Hands on to the real writer, through `change`."""

    def __init__(self, form: Lhe, own: EventWriter) -> None:
        self.form, self.own = form, own

    def write(self, batch: EventBatch) -> None:
        changed = self.form.change(batch)
        if changed is not None:
            self.own.write(changed)

    def close(self, info: RunInfo | None = None) -> None:
        self.own.close(info if self.form.takes_final_info else None)

    def abort(self) -> None:
        self.own.abort()


class Lhe:
    """The built-in format, to be spoilt."""

    takes_final_info = True

    def __init__(self, context: BuildContext) -> None:
        built = default_registry().build("event_format", "lhe", context)
        self.own = cast("EventFormat", built)
        self.extensions = self.own.extensions

    def change(self, batch: EventBatch) -> EventBatch | None:
        return batch

    def sniff(self, path: Path) -> bool:
        return self.own.sniff(path)

    def read(self, path: Path, batch_size: int = 10_000) -> EventStream:
        return self.own.read(path, batch_size)

    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> Writer:
        return Writer(self, self.own.write(path, info, overwrite))


class RoundsWeights(Lhe):
    def change(self, batch: EventBatch) -> EventBatch:
        rounded = np.array([float(f"{w:.4e}") for w in batch.event["weight"]])
        return replace(batch, event={**batch.event, "weight": rounded})


class LosesSmallBatches(Lhe):
    def change(self, batch: EventBatch) -> EventBatch | None:
        return batch if len(batch) > 12 else None


class OneBigBatch(Lhe):
    def read(self, path: Path, batch_size: int = 10_000) -> EventStream:
        return super().read(path, 10_000)


class KeepsFirstInfo(Lhe):
    takes_final_info = False


class Overwrites(Lhe):
    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> Writer:
        return super().write(path, info, overwrite=True)


class WritesInPlace(Lhe):
    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> Writer:
        writer = super().write(path, info, overwrite)
        path.touch()
        return writer


class KnowsEverything(Lhe):
    def sniff(self, path: Path) -> bool:
        return True


BROKEN = [
    (RoundsWeights, r"event column weight: ", "events_come_back"),
    (LosesSmallBatches, r"25 written, 13 read", "events_come_back"),
    (OneBigBatch, r"larger than batch_size", "events_come_back"),
    (KeepsFirstInfo, r"process 1: cross_section 0.0 read, 505.25", "run_information_comes_back"),
    (Overwrites, r"overwritten without being asked", "files_appear_when_complete"),
    (WritesInPlace, r"its name before it is complete", "files_appear_when_complete"),
    (KnowsEverything, r"sniff takes an empty file", "broken_files_are_refused"),
]


@pytest.mark.parametrize(
    ("factory", "words", "check"), BROKEN, ids=[f.__name__ for f, _, _ in BROKEN]
)
def test_wrong_format_is_rejected(
    reject: Callable[..., None], factory: type, words: str, check: str
) -> None:
    reject("event_format", factory, words, check)


class Refuses(Lhe):
    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> Writer:
        message = f"{path}: this format is only read"
        raise OutputError(message)


class RefusesTooLate(Lhe):
    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> Writer:
        path.touch()
        message = f"{path}: this format is only read"
        raise OutputError(message)


READ_ONLY = [
    (Lhe, True, "declared read_only, but writes"),
    (Refuses, False, "not declared read_only, but does not write: .* only read"),
    (RefusesTooLate, True, r"leaves events\.lhe"),
]


@pytest.mark.parametrize(
    ("factory", "declared", "words"), READ_ONLY, ids=[f.__name__ for f, _, _ in READ_ONLY]
)
def test_read_only_must_be_meant(
    reject: Callable[..., None], factory: type, declared: bool, words: str
) -> None:
    reject("event_format", factory, words, "read_only_is_meant", Capabilities(read_only=declared))


class PartsWithHeads(Lhe):
    """Its parts are whole files."""

    def write_part(self, path: Path, batch: EventBatch, first: int) -> None:
        with self.own.write(path, batch.info, overwrite=True) as writer:
            writer.write(batch)

    def write(self, path: Path, info: RunInfo, overwrite: bool = False) -> Writer:
        return cast("Writer", self.own.write(path, info, overwrite))


def test_parts_must_fit_together(reject: Callable[..., None]) -> None:
    words = r"raises InputError: .* a second file begins"
    reject("event_format", PartsWithHeads, words, "parts_make_a_file", Capabilities(composes=True))


def test_not_a_number_is_another_number() -> None:
    batch, got = events(3), events(3)
    assert difference(got, batch) == ""
    got.event["weight"][1] = np.nan
    assert difference(got, batch).startswith("event column weight: nan read")


def test_a_file_cut_off_is_not_shown(tmp_path: Path) -> None:
    path = tmp_path / "events.lhe.gz"
    content = gzip.compress(b"<event>\n</event>\n")
    path.write_bytes(content)
    assert shown(path) == "events.lhe.gz:\n<event>\n</event>"
    path.write_bytes(content[: len(content) // 2])
    assert shown(path) == ""
