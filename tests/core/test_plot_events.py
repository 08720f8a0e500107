"""Pictures of event files: their bins add up to the file's cross section."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pytest

import crosshook
from crosshook.core.cli import main
from crosshook.core.errors import ConfigurationError, InputError, OutputError

DATA = Path(__file__).parents[1] / "data" / "lhe"
MADGRAPH = DATA / "madgraph_pp_tt012j.lhe.gz"


@pytest.mark.parametrize("name", ["madgraph_pp_tt012j.lhe.gz", "sherpa_wjj.lhe.gz"])
def test_bins_add_up_to_the_cross_section(name: str) -> None:
    """Whatever convention the weights follow: equal weights, or trials."""
    report = crosshook.plot_events(DATA / name, "n", edges=(0, 2.5, 3.5, 20))
    sigma = crosshook.inspect_file(DATA / name).cross_section_pb
    assert sigma is not None
    assert report.files[0].outside == 0
    assert sum(report.files[0].values) == pytest.approx(sigma, rel=1e-12)


def test_bins_are_those_of_the_library() -> None:
    """hist fills the same bins, the last edge excluded."""
    edges = tuple(np.linspace(0, 300, 7).tolist())
    (found,) = crosshook.plot_events(MADGRAPH, "pt[0]", edges=edges).files
    with crosshook.open_events(MADGRAPH) as stream:
        filled = sum((batch.histogram("pt[0]", (6, 0, 300)) for batch in stream), start=0)
    scale = 1 / found.events  # IDWTUP −4: the mean weight is σ
    np.testing.assert_allclose(found.values, filled.values() * scale, rtol=1e-12)
    np.testing.assert_allclose(found.errors, filled.variances() ** 0.5 * scale, rtol=1e-12)


def test_bins_are_chosen() -> None:
    """Round numbers from zero for a momentum, one bin a value for a count."""
    momenta = crosshook.plot_events(MADGRAPH, "pt[0]")
    assert momenta.edges[0] == 0
    assert momenta.files[0].outside <= 1  # of 20, the largest
    assert crosshook.plot_events(MADGRAPH, "n[jet]").edges == (-0.5, 0.5, 1.5, 2.5)


@pytest.mark.parametrize("ending", ["svg", "png", "pdf"])
def test_command_draws(ending: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / f"eta.{ending}"
    words = ["--observable", "eta[0]", "--bins", "10:-5:5", "--output", str(picture)]
    main(["plot", str(MADGRAPH), str(MADGRAPH), *words])
    assert "pb (average)" in capsys.readouterr().out
    start = {"svg": b"<?xml", "png": b"\x89PNG", "pdf": b"%PDF"}[ending]
    assert picture.read_bytes().startswith(start)


def test_command_prints_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    picture = tmp_path / "n.svg"
    main(["plot", str(MADGRAPH), "--observable", "n", "--output", str(picture), "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["output"] == str(picture)
    assert len(report["files"][0]["values"]) == len(report["edges"]) - 1


def test_without_a_cross_section_weights_are_drawn(tmp_path: Path) -> None:
    """Weights that cancel stand for no cross section that bins could be parts of."""
    with crosshook.open_events(MADGRAPH) as stream:
        (batch,) = stream
        batch.event["weight"][::2] *= -1
        with crosshook.create_events(tmp_path / "cancel.lhe", stream.info) as writer:
            writer.write(batch)
    report = crosshook.plot_events(tmp_path / "cancel.lhe", "n", edges=(0, 9))
    assert report.unit == "unit of XWGTUP"
    assert report.files[0].values == (0.0,)


def test_each_file_has_the_unit_of_its_own_cross_section(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A file without events and XSECUP beside one in pb: weights are drawn, pb stay pb."""
    empty = tmp_path / "empty.lhe"
    with crosshook.open_events(MADGRAPH) as stream:
        info = dataclasses.replace(stream.info, processes=())
    with crosshook.create_events(empty, info):
        pass
    words = ["--observable", "n", "--bins", "0,9", "--output", str(tmp_path / "n.svg")]
    main(["plot", str(MADGRAPH), str(empty), *words])
    told = " ".join(capsys.readouterr().out.split())
    assert "20 of 20 events in one bin, 1463.963 pb (average)" in told
    assert "unknown (unknown)" in told


def test_what_cannot_be_drawn(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"\.svg, \.png, \.pdf"):
        crosshook.plot_events(MADGRAPH, "n", tmp_path / "picture.txt")
    with pytest.raises(ConfigurationError, match="no quantity 'ptt' of an event"):
        crosshook.plot_events(MADGRAPH, "ptt")
    with pytest.raises(ConfigurationError, match="3 files"):
        crosshook.plot_events([MADGRAPH] * 3, "n")
    with pytest.raises(ConfigurationError, match=r"edges \[2.0, 1.0\] do not rise"):
        crosshook.plot_events(MADGRAPH, "n", edges=(2, 1))
    with pytest.raises(ConfigurationError, match="one edge makes no bin"):
        crosshook.plot_events(MADGRAPH, "n", edges=(2,))
    with pytest.raises(InputError, match=r"no event has pt\[photon\[0\]\]"):
        crosshook.plot_events(MADGRAPH, "pt[photon[0]]")
