"""Histograms after the fact: contents, covariances by origin, HEPData's YAML, pictures."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import yaml

from crosshook.core.cli import main
from crosshook.core.errors import ConfigurationError, InputError, OutputError
from crosshook.core.interfaces.unfolder import WeightFamily
from crosshook.core.unfolding.axes import automatic_edges, parse_bins
from crosshook.core.unfolding.hepdata import export_hepdata
from crosshook.core.unfolding.histogram import unfolded_histogram
from crosshook.core.unfolding.run import unfold
from crosshook.core.unfolding.weighted_events import WeightedEvents, open_unfolding
from tests.core.unfolding import small_files

if TYPE_CHECKING:
    from pathlib import Path

EDGES = (0.0, 15.0, 20.0, 25.0, 60.0)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> WeightedEvents:
    folder = tmp_path_factory.mktemp("unfolded")
    simulation, measured = small_files.write_pair(folder)
    unfold(
        simulation=simulation,
        measured=measured,
        observables=("m",),
        settings=(
            "output.report=none",
            "replicas={bootstrap_data: 4, bootstrap_mc: 3}",
            "systematics={a_up: 1 + 0.01*truth_m, a_down: 1 - 0.01*truth_m}",
            "units.m=GeV",
        ),
        output=folder / "out",
    )
    return open_unfolding(folder / "out")


def test_contents_and_covariance(events: WeightedEvents) -> None:
    """By hand: sums in bins, and the covariance as sums over replicas and variations."""
    found = unfolded_histogram(events, "m", EDGES)
    m = np.asarray(events.table.column("m"))

    def filled(family: str) -> np.ndarray:
        weights = events.families[family].weights.numpy()
        return np.stack([np.histogram(m, EDGES, weights=w)[0] for w in weights.T])

    nominal = filled("nominal")[0]
    np.testing.assert_allclose(found.values, nominal, rtol=1e-12)
    total = sum(found.values) + found.below + found.above
    assert total == pytest.approx(events.families["nominal"].weights.sum().item())
    assert found.unit == "GeV"
    data, mc = (np.cov(filled(f), rowvar=False) for f in ("bootstrap_data", "bootstrap_mc"))
    shifts = (filled("systematic") - nominal) * np.sqrt(0.5)
    np.testing.assert_allclose(found.data_errors, np.sqrt(np.diagonal(data)), rtol=1e-6)
    np.testing.assert_allclose(found.simulation_errors, np.sqrt(np.diagonal(mc)), rtol=1e-6)
    np.testing.assert_allclose(found.systematic_errors, np.sqrt((shifts**2).sum(0)), rtol=1e-6)
    np.testing.assert_allclose(found.covariance, data + mc + shifts.T @ shifts, rtol=1e-5)
    weights = events.families["nominal"].weights * torch.tensor([0.5, 2.0])
    members = WeightFamily("ensemble", weights, ("network 1", "network 2"))
    more = replace(events, families={**events.families, "networks": members})
    assert unfolded_histogram(more, "m", EDGES).covariance == found.covariance
    assert sum(found.prior) == pytest.approx(total, rel=0.05)


def test_expressions_and_edges(events: WeightedEvents) -> None:
    """What is in no column, with edges that follow from the events."""
    found = unfolded_histogram(events, "log(abs(m)) - k/10")
    assert len(found.edges) == len(found.values) + 1
    assert sum(found.values) > 0.98 * events.families["nominal"].weights.sum().item()
    counts = unfolded_histogram(events, "k")
    assert all((edge + 0.5) % 1 == 0 for edge in counts.edges)
    with pytest.raises(InputError, match="no column 'q'"):
        unfolded_histogram(events, "q")
    with pytest.raises(ConfigurationError, match="do not rise"):
        unfolded_histogram(events, "m", (1.0, 0.0))
    with pytest.raises(InputError, match=r"log\(k - 5\) is nan"):
        unfolded_histogram(events, "log(k - 5)")


def test_bins_as_written() -> None:
    assert parse_bins("4:0:2") == (0.0, 0.5, 1.0, 1.5, 2.0)
    assert parse_bins("0,5,20") == (0.0, 5.0, 20.0)
    for text in ("4:0", "a,b", "0", "3:1:0", "0:0:1", "1,1", "100001:0:1"):
        with pytest.raises(ConfigurationError, match="--bins"):
            parse_bins(text)
    assert automatic_edges(np.full(5, 3.0), np.ones(5)) == (2.5, 3.5)
    assert automatic_edges(np.zeros(0), np.zeros(0)) == (0.0, 1.0)


def test_hepdata(events: WeightedEvents, tmp_path: Path) -> None:
    histogram = unfolded_histogram(events, "m", EDGES)
    made = export_hepdata(events, tmp_path / "hep", [histogram])
    assert made.tables == ("m", "Covariance of m")
    documents = list(yaml.safe_load_all((tmp_path / "hep" / "submission.yaml").read_text()))
    assert "true events in the fiducial region" in documents[0]["comment"]
    assert [d["data_file"] for d in documents[1:]] == ["m.yaml", "m_covariance.yaml"]
    table = yaml.safe_load((tmp_path / "hep" / "m.yaml").read_text())
    (axis,) = table["independent_variables"]
    assert axis["header"] == {"name": "m", "units": "GeV"}
    assert axis["values"][1] == {"low": 15.0, "high": 20.0}
    entries = table["dependent_variables"][0]["values"]
    assert [entry["value"] for entry in entries] == list(histogram.values)
    labels = [error["label"] for error in entries[0]["errors"]]
    assert labels == ["stat. (data)", "stat. (simulation)", "syst."]
    matrix = yaml.safe_load((tmp_path / "hep" / "m_covariance.yaml").read_text())
    values = [entry["value"] for entry in matrix["dependent_variables"][0]["values"]]
    np.testing.assert_allclose(np.reshape(values, (4, 4)), histogram.covariance)
    with pytest.raises(OutputError, match="holds a submission already"):
        export_hepdata(events, tmp_path / "hep")
    everything = export_hepdata(events, tmp_path / "hep", overwrite=True)
    assert everything.tables == ("m", "Covariance of m")
    with pytest.raises(OutputError, match="is no submission"):
        export_hepdata(events, events.directory.path, overwrite=True)


def test_the_commands(
    events: WeightedEvents, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    directory = str(events.directory.path)
    picture = tmp_path / "m.png"
    of_m = ["unfold", "plot", directory, "--observable", "m", "--bins", "5:0:50"]
    main([*of_m, "--output", str(picture)])
    assert picture.read_bytes().startswith(b"\x89PNG")
    main(["unfold", "plot", directory, "--observable", "k"])
    shown = capsys.readouterr()
    assert (events.directory.plots / "k.svg").read_text().startswith("<?xml")
    assert "note: k: not unfolded; at fixed m as simulated" in shown.err
    main([*of_m, "--json"])
    (found,) = json.loads(capsys.readouterr().out)
    assert found["edges"] == [0, 10, 20, 30, 40, 50]
    main(["unfold", "export", directory, str(tmp_path / "hep"), "--observable", "m"])
    assert "Covariance of m" in capsys.readouterr().out
    for words in (
        ("plot", directory, "--bins", "3:0:1"),
        ("export", directory, str(tmp_path / "x"), "--bins", "3:0:1"),
        ("plot", directory, "--observable", "m", "--output", str(tmp_path / "m.gif")),
        ("plot", str(tmp_path)),
    ):
        with pytest.raises(SystemExit):
            main(["unfold", *words])
        assert capsys.readouterr().err.count("\n") == 1
