"""ROOT files: LHE → ROOT → LHE loses nothing, and uproot alone reads what is inside."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import uproot

from crosshook.core.convert import convert
from crosshook.core.errors import InputError
from crosshook.core.events.files import create_events, open_events

if TYPE_CHECKING:
    from collections.abc import Callable

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo

    ReadAll = Callable[..., tuple[RunInfo, EventBatch]]
    Same = Callable[[EventBatch, EventBatch], None]

EXCERPTS = sorted((Path(__file__).parents[2] / "data" / "lhe").iterdir())


def excerpt(name: str) -> Path:
    return next(path for path in EXCERPTS if path.name == name)


@pytest.mark.parametrize("container", ["rntuple", "ttree"])
@pytest.mark.parametrize("path", EXCERPTS, ids=lambda p: p.name)
def test_lhe_to_root_to_lhe_loses_nothing(
    tmp_path: Path, path: Path, container: str, read_all: ReadAll, assert_same: Same
) -> None:
    info, events = read_all(path)
    root, back = tmp_path / "events.root", tmp_path / "back.lhe"
    convert([path], root, options={"container": container})
    info_root, events_root = read_all(root, 7)
    assert info_root == info
    assert_same(events, events_root)
    convert([root], back)
    info_back, events_back = read_all(back)
    assert replace(info_back, version=info.version) == info
    assert_same(events, events_back)


@pytest.mark.parametrize("container", ["rntuple", "ttree"])
def test_uproot_finds_the_names_it_expects(
    tmp_path: Path, container: str, read_all: ReadAll
) -> None:
    path = excerpt("madgraph_pp_tt012j.lhe.gz")
    _, events = read_all(path)
    root = tmp_path / "events.root"
    convert([path], root, options={"container": container})
    with uproot.open(root) as file:
        kind = "ROOT::RNTuple" if container == "rntuple" else "TTree"
        assert file.classnames(cycle=False) == {
            "Events": kind,
            "Runs": kind,
            "RunInfo": "TObjString",
        }
        table = file["Events"].arrays()
        runs = file["Runs"].arrays()
    assert table["nLHEPart"].tolist() == events.counts.tolist()
    assert table["LHEPart_px"].tolist() == events.particles.p4.px.tolist()
    assert table["LHEPart_pdgId"].tolist() == events.particles.pdg_id.tolist()
    assert table["genWeight"].tolist() == events.event["weight"].tolist()
    assert table["LHEReweightingWeight"].tolist() == events.weights.tolist()
    assert runs["genEventCount"].tolist() == [20]
    assert runs["genEventSumw"][0] == pytest.approx(20 * 1463.963, rel=1e-14)
    assert runs["genEventSumw2"][0] == pytest.approx(20 * 1463.963**2, rel=1e-14)


@pytest.mark.parametrize("container", ["rntuple", "ttree"])
def test_many_chunks(
    tmp_path: Path,
    container: str,
    read_all: ReadAll,
    assert_same: Same,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("crosshook.adapters.root.writer.CHUNK", 16)
    monkeypatch.setattr("crosshook.adapters.root.reader.CHUNK", 16)
    info, events = read_all(excerpt("sherpa_wjj.lhe.gz"))
    path = tmp_path / "events.root"
    with create_events(path, info, options={"container": container}) as writer:
        for start in range(0, len(events), 9):
            writer.write(events[start : start + 9])
    assert_same(events, read_all(path, 11)[1])


def test_events_with_other_columns_are_refused(tmp_path: Path, read_all: ReadAll) -> None:
    info, events = read_all(excerpt("sherpa_wjj.lhe.gz"))
    fewer = {name: column for name, column in events.event.items() if name != "trials"}
    writer = create_events(tmp_path / "events.root", info)
    writer.write(events)
    with pytest.raises(InputError, match="events with the columns"):
        writer.write(replace(events, event=fewer))
    writer.abort()
    assert list(tmp_path.iterdir()) == []


def test_other_root_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.root"
    with uproot.recreate(path) as file:
        file.mktree("Events", {"x": "float64"}).extend({"x": np.zeros(3)})
    with pytest.raises(InputError, match="Events and RunInfo expected, Events found"):
        open_events(path)


def test_a_truncated_file_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "events.root"
    convert([excerpt("sherpa_wjj.lhe.gz")], path)
    whole = path.read_bytes()
    for share in (0.05, 0.3, 0.6, 0.95):
        path.write_bytes(whole[: int(len(whole) * share)])
        with pytest.raises(InputError, match=f"{path}: cannot be read"):
            list(open_events(path))
