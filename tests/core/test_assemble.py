"""Assembly: files whose mean weight is σ, their init block, accounting, and all files or none."""

from __future__ import annotations

import json
import math
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from crosshook.core.assemble import assemble, output_files, run_info
from crosshook.core.component import Slot
from crosshook.core.config import HistogramSpec
from crosshook.core.errors import ConfigurationError, NumericalError
from crosshook.core.events.files import open_events
from crosshook.core.execute import SerialExecutor
from crosshook.core.generate import common_weight, generate_events
from crosshook.core.progress import Silent
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from pathlib import Path

EVENTS, SIGMA = 600, 123.5


@pytest.fixture
def generated(finished: Any, tmp_path: Path) -> Any:
    """Blocks with at least 600 events."""
    folder = tmp_path / "parts"
    folder.mkdir()
    return generate_events(
        finished.spec, SerialExecutor(), Silent(), seed=9, events=EVENTS,
        shares=finished.frozen.shares, folder=folder,
    )  # fmt: skip


def _assemble(finished: Any, generated: Any, folder: Path, **changes: Any) -> Any:
    arguments: dict[str, Any] = {
        "histograms": (HistogramSpec("pt", "pt[0]", 5, 20.0, 60.0),),
        "paths": [(folder / "events.lhe", Slot("lhe"))],
        "common": common_weight(finished.frozen.maxima, finished.frozen.shares),
        "cross_section": SIGMA,
        "info": run_info(finished.config, finished.process, finished.frozen.sums),
    }
    return assemble(
        finished.spec, SerialExecutor(), Silent(), generated, registry=default_registry(),
        **{**arguments, **changes},
    )  # fmt: skip


def _read(path: Path) -> Any:
    with open_events(path) as stream:
        (batch,) = list(stream)
        return batch, stream.info


def _weights(generated: Any) -> np.ndarray:
    parts = [np.load(b.path, allow_pickle=False)["event/weight"] for b in generated.blocks]
    return np.concatenate(parts)[:EVENTS]


def test_events_and_their_weights(finished: Any, generated: Any, tmp_path: Path) -> None:
    """The first kept events in the order of blocks, scaled so that their mean is σ."""
    found = _assemble(finished, generated, tmp_path)
    batch, info = _read(tmp_path / "events.lhe")
    weight = np.asarray(batch.event["weight"])
    before = _weights(generated)
    # One weight to the last digit, and the central variation repeats it.
    assert np.count_nonzero(weight == weight.min()) == EVENTS - found.overweights
    if batch.weights.shape[1]:
        assert np.array_equal(batch.weights[:, 0], weight)
    assert (found.events, len(batch)) == (EVENTS, EVENTS)
    assert weight.mean() == pytest.approx(SIGMA, rel=1e-12)
    np.testing.assert_allclose(weight / weight.mean(), before / before.mean(), rtol=1e-12)
    first = np.load(generated.blocks[0].path, allow_pickle=False)["particle/px"]
    np.testing.assert_array_equal(batch.particle_columns["px"][: len(first)], first)
    for process in info.processes:
        own = weight[batch.event["process_id"] == process.process_id]
        assert process.maximum == pytest.approx(np.abs(own).max(), rel=1e-12)
    assert found.kish == pytest.approx(weight.sum() ** 2 / (EVENTS * (weight**2).sum()))


def test_overweights_are_counted(finished: Any, generated: Any, tmp_path: Path) -> None:
    found = _assemble(finished, generated, tmp_path)
    weight = _weights(generated)
    common = common_weight(finished.frozen.maxima, finished.frozen.shares)
    over = weight > common * (1 + 1e-9)
    assert found.overweights == over.sum()
    share = (weight[over] - common).sum() / weight.sum()
    assert found.overweight_share == pytest.approx(share, abs=1e-12)
    strict = _assemble(finished, generated, tmp_path, common=common / 2, paths=[])
    assert strict.overweights == (weight > common / 2 * (1 + 1e-9)).sum() > EVENTS / 2


def test_histograms_are_of_the_events(finished: Any, generated: Any, tmp_path: Path) -> None:
    found = _assemble(finished, generated, tmp_path)
    batch, _ = _read(tmp_path / "events.lhe")
    weight = np.asarray(batch.event["weight"])
    px, py = (np.asarray(batch.particle_columns[c]).reshape(EVENTS, 5) for c in ("px", "py"))
    pt = np.hypot(px, py)[:, 3]
    (histogram,) = found.histograms
    counts, edges = np.histogram(pt, 5, (20.0, 60.0), weights=weight)
    np.testing.assert_allclose(histogram.edges, edges)
    np.testing.assert_allclose(histogram.values, counts / EVENTS, rtol=1e-12)
    # The spread of w·(1_bin - p), event by event: the sum of all weights is fixed.
    bins = np.digitize(pt, edges)
    share = counts / weight.sum()
    inside = bins == np.arange(1, 6)[:, None]
    variance = ((weight * (inside - share[:, None])) ** 2).sum(1) / EVENTS**2
    np.testing.assert_allclose(histogram.errors, np.sqrt(variance), rtol=1e-10)
    assert histogram.underflow == pytest.approx(weight[pt < 20].sum() / EVENTS)
    assert histogram.overflow == pytest.approx(weight[pt >= 60].sum() / EVENTS)


def test_the_init_block(finished: Any) -> None:
    info = run_info(finished.config, finished.process, finished.frozen.sums)
    energy = finished.process.beams.energy
    assert info.energies == (energy / 2, energy / 2)
    assert info.beams == finished.process.beams.pdg
    assert info.weighting == -4
    assert info.generators[0][0] == "crosshook"
    parts = finished.frozen.sums.part_estimates()
    assert [p.process_id for p in info.processes] == list(finished.process.process_ids)
    assert [p.cross_section for p in info.processes] == [p.value for p in parts]
    total = finished.frozen.sums.estimate().error
    assert math.hypot(*(p.error for p in info.processes)) == pytest.approx(total, rel=1e-12)
    ratios = [p.error / part.error for p, part in zip(info.processes, parts, strict=True)]
    assert ratios == pytest.approx([ratios[0]] * len(ratios), rel=1e-12)
    text = info.header["crosshook"]
    assert json.loads(text) == json.loads(json.dumps(finished.config.document))


@pytest.mark.parametrize(("index", "member", "written"), [(0, 0, 0), (0, 2, 0), (7, 2, 9)])
def test_the_init_block_names_the_member(
    drell_yan: Any, index: int, member: int, written: int
) -> None:
    """PDFSUP is the LHAPDF number of the member the events were made with."""
    density = copy(drell_yan.process.density)
    density.set_index, density.member = index, member
    process = copy(drell_yan.process)
    process.density = density
    info = run_info(drell_yan.config, process, drell_yan.frozen.sums)
    assert info.pdf_sets == (written, written)


def test_the_header_cannot_break_the_file(drell_yan: Any) -> None:
    document = {**drell_yan.config.document, "cuts": {"where": "pt[0] > 3 and 2 < 5 & </header>"}}
    config = replace(drell_yan.config, document=document)
    text = run_info(config, drell_yan.process, drell_yan.frozen.sums).header["crosshook"]
    assert not set("<>&") & set(text)
    assert json.loads(text) == document


def test_variations_keep_their_ratio(drell_yan: Any, tmp_path: Path) -> None:
    generated = generate_events(
        drell_yan.spec, SerialExecutor(), Silent(), seed=9, events=100,
        shares=drell_yan.frozen.shares, folder=tmp_path,
    )  # fmt: skip
    found = _assemble(drell_yan, generated, tmp_path)
    batch, info = _read(tmp_path / "events.lhe")
    assert len(info.weights) == 7
    np.testing.assert_allclose(found.variations, batch.weights.mean(0), rtol=1e-12)
    np.testing.assert_allclose(batch.weights[:, 0], batch.event["weight"], rtol=1e-12)
    assert found.variations[0] == pytest.approx(SIGMA, rel=1e-12)


def test_all_files_or_none(drell_yan: Any, tmp_path: Path) -> None:
    """Something fails after writing began: nothing is left behind, half or whole."""
    parts = tmp_path / "parts"
    parts.mkdir()
    generated = generate_events(
        drell_yan.spec, SerialExecutor(), Silent(), seed=9, events=50,
        shares=drell_yan.frozen.shares, folder=parts,
    )  # fmt: skip
    bad = HistogramSpec("bad", "pt[9]", 5, 0.0, 1.0)
    with pytest.raises(ConfigurationError, match="no final-state leg 9"):
        _assemble(drell_yan, generated, tmp_path, histograms=(bad,))
    assert list(tmp_path.iterdir()) == [parts]


def test_nothing_to_scale(drell_yan: Any, tmp_path: Path) -> None:
    generated = generate_events(
        drell_yan.spec, SerialExecutor(), Silent(), seed=9, events=50,
        shares=drell_yan.frozen.shares, folder=tmp_path,
    )  # fmt: skip
    for block in generated.blocks:
        with np.load(block.path, allow_pickle=False) as arrays:
            columns = dict(arrays)
        columns["event/weight"] = -columns["event/weight"]
        np.savez(block.path, **columns)
    with pytest.raises(NumericalError, match=r"^the events' mean weight is -.*; nothing can be"):
        _assemble(drell_yan, generated, tmp_path)


def test_formats_by_ending_and_slot() -> None:
    registry = default_registry()
    root = Slot("root", {"container": "ttree"})
    assert output_files(("lhe.gz", ".lhe", root), registry) == [
        ("lhe.gz", Slot("lhe")),
        ("lhe", Slot("lhe")),
        ("root", root),
    ]
    for unwritten in ("hepmc", Slot("hepmc")):
        with pytest.raises(ConfigurationError) as caught:
            output_files(("lhe", unwritten), registry)
        assert str(caught.value).startswith(
            "output.formats: no event format writes 'hepmc'; known: "
        )
    with pytest.raises(ConfigurationError) as caught:
        output_files(("lhe", "root", root), registry)
    assert str(caught.value) == "output.formats: two files would be named events.root"
