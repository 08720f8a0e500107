"""LHEH5: another program's file against pylhe, round trips of every dialect, what is refused."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.convert import convert
from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import create_events, open_events
from crosshook.core.inspect import inspect_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.adapters.conftest import ReadAll

h5py = pytest.importorskip("h5py", reason="h5py is not installed")
DATA = Path(__file__).parents[2] / "data" / "lhe"
HPCGEN = DATA.parent / "lheh5" / "hpcgen.hdf5"
TEXT = sorted(p for p in DATA.iterdir() if ".lhe" in p.name)


def oracle(path: Path) -> EventBatch:
    """The file as pylhe reads it, in our columns."""
    pylhe = pytest.importorskip("pylhe", reason="pylhe is not installed")
    file = pylhe.LHEFile.fromfile(str(path))
    events = list(file.events)
    particles = [p for e in events for p in e.particles]
    names = {"pdg_id": "id", "colour1": "color1", "colour2": "color2", "mass": "m"}
    with open_events(path) as stream:
        info = stream.info
    columns = [
        "pdg_id",
        "status",
        "mother1",
        "mother2",
        "colour1",
        "colour2",
        "px",
        "py",
        "pz",
        "e",
        "mass",
        "lifetime",
        "spin",
    ]
    return EventBatch.from_columns(
        info,
        [len(e.particles) for e in events],
        {
            "process_id": [e.eventinfo.pid for e in events],
            "weight": [e.eventinfo.weight for e in events],
            "scale": [e.eventinfo.scale for e in events],
            "alpha_qed": [e.eventinfo.aqed for e in events],
            "alpha_qcd": [e.eventinfo.aqcd for e in events],
            "trials": [float(e.attributes["trials"]) for e in events],
            "mur2": [e.scales["rscale"] ** 2 for e in events],
            "muf2": [e.scales["fscale"] ** 2 for e in events],
        },
        {name: [getattr(p, names.get(name, name)) for p in particles] for name in columns},
        np.zeros((len(events), 0)),
    )


@pytest.mark.parametrize("batch_size", [1, 5, 1000])
def test_hpcgen_is_read_as_pylhe_reads_it(
    batch_size: int, read_all: ReadAll, assert_same: Callable[[EventBatch, EventBatch], None]
) -> None:
    info, events = read_all(HPCGEN, batch_size)
    assert (info.beams, info.energies, info.weighting) == ((2212, 2212), (7000.0, 7000.0), 1)
    (process,) = pytest.importorskip("pylhe").LHEFile.fromfile(str(HPCGEN)).init.procInfo
    assert info.processes[0].cross_section == process.xSection == pytest.approx(1661.5257)
    assert info.processes[0].error == process.error
    assert_same(events, oracle(HPCGEN))


def test_cross_section_is_by_trials() -> None:
    found = inspect_file(HPCGEN)
    with h5py.File(HPCGEN) as file:
        table = file["events"][()]
    assert (found.rule, found.events) == ("trials", 12)
    assert found.cross_section_pb == pytest.approx(table[:, 9].sum() / table[:, 3].sum())


def test_the_whole_file() -> None:
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if folder is None:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set")
    found = inspect_file(Path(folder) / "lhe" / "dialects" / "hpcgen_lheh5.hdf5")
    assert (found.rule, found.events, found.trials) == ("trials", 100, 102)
    # what the file itself announces, 1661.5 ± 6.4 pb, within the error of 100 events
    error = found.cross_section_error_pb or 0.0
    assert abs((found.cross_section_pb or 0.0) - 1661.5) < 4 * error
    assert error < 300


@pytest.mark.parametrize("path", TEXT, ids=lambda p: p.name)
def test_nothing_is_lost_on_the_way_through(
    path: Path,
    tmp_path: Path,
    read_all: ReadAll,
    assert_same: Callable[[EventBatch, EventBatch], None],
) -> None:
    target = tmp_path / "events.lheh5"
    convert(path, target)
    before, events = read_all(path)
    after, back = read_all(target, 3)
    assert after == before
    if len(events):
        assert_same(back, events)
    assert inspect_file(target).cross_section_pb == inspect_file(path).cross_section_pb


def test_pylhe_reads_what_is_written(tmp_path: Path) -> None:
    pylhe = pytest.importorskip("pylhe", reason="pylhe is not installed")
    source = DATA / "madgraph_pp_ttW.lhe.gz"
    target = tmp_path / "events.hdf5"
    convert(source, target)
    theirs = list(pylhe.LHEFile.fromfile(str(target)).events)
    with open_events(source) as stream:
        ours = EventBatch.concatenate(list(stream))
    assert len(theirs) == len(ours)
    for i, event in enumerate(theirs):
        assert event.eventinfo.weight == ours.event["weight"][i]
        assert list(event.weights.values()) == ours.weights[i].tolist()
        assert tuple(event.weights) == ours.info.weight_ids
        start = int(ours.offsets[i])
        assert [p.px for p in event.particles] == list(
            ours.particle_columns["px"][start : start + int(ours.counts[i])]
        )


def test_weights_that_some_events_lack(tmp_path: Path, read_all: ReadAll) -> None:
    _, events = read_all(DATA / "madgraph_pp_ttW.lhe.gz")
    few = events[:3]
    info = replace(few.info, weights=few.info.weights[:4])
    early = replace(few, info=info, weights=few.weights[:, :4])
    target = tmp_path / "events.h5"
    with create_events(target, info) as writer:
        writer.write(early)
        writer.write(events[3:])
    after, back = read_all(target)
    assert after.weight_ids == events.info.weight_ids
    assert back.present is not None
    np.testing.assert_array_equal(back.present[:3], [[True] * 4 + [False] * 6] * 3)
    np.testing.assert_array_equal(back.present[3:], True)
    np.testing.assert_array_equal(back.weights[3:], events.weights[3:])


def broken(tmp_path: Path, change: Callable[[object], None]) -> Path:
    path = tmp_path / "broken.hdf5"
    path.write_bytes(HPCGEN.read_bytes())
    with h5py.File(path, "a") as file:
        change(file)
    return path


CHANGES: dict[str, tuple[Callable[..., None], str]] = {
    "no tables": (lambda f: f.__delitem__("particles"), "no table particles"),
    "counter-events": (lambda f: f.create_dataset("ctevents", data=[[1.0]]), "counter-events"),
    "particles beyond the end": (
        lambda f: f["events"].__setitem__((3, 2), 1e6),
        "particles .* announced, .* found",
    ),
    "half a particle": (lambda f: f["events"].__setitem__((3, 1), 3.5), "3.5 is no whole number"),
    "no trials": (
        lambda f: f["events"].__setitem__((3, 3), np.nan),
        "event 4: no trials, which the first event has",
    ),
    "two columns short": (
        lambda f: f["particles"].attrs.__setitem__("properties", [b"id", b"status"]),
        "cannot be read as an LHEH5 file",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_broken_files_are_refused(name: str, tmp_path: Path) -> None:
    change, words = CHANGES[name]
    path = broken(tmp_path, change)
    with pytest.raises(InputError, match=rf"broken\.hdf5: cannot be read.*{words}|{words}"):
        inspect_file(path)


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(ConfigurationError, match=r"pip install h5py \(extra crosshook\[lheh5\]\)"):
        open_events(HPCGEN)
