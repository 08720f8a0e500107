"""A transfer function from a table to a directory with model and report, judged and used again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.core.errors import ConfigurationError, InputError, OutputError
from crosshook.core.inference.detector import judgement_of
from crosshook.core.inference.result import JudgedDetector
from crosshook.core.interfaces.features import Features
from crosshook.core.report.inference_detectors import detector_sections
from crosshook.core.report.redraw import redraw
from crosshook.core.transfer.evaluation import DRAWS, evaluate_transfer, evaluation_notes
from crosshook.core.transfer.models import load_transfer
from crosshook.core.transfer.paired import PairedEvents
from crosshook.core.transfer.run_file import load_transfer_file
from crosshook.core.transfer.simulate import simulate
from crosshook.core.transfer.tables import read_paired
from crosshook.core.transfer.training import evaluate_files, train_transfer

if TYPE_CHECKING:
    from torch import Tensor

EVENTS = Path(__file__).parents[2] / "data" / "lhe" / "madgraph_ee_mumu.lhe.gz"


def test_report_and_model_are_written(trained: Path) -> None:
    report = json.loads((trained / "report.json").read_text("utf-8"))
    assert report["format"] == "crosshook-transfer/1"
    assert report["reco"] == ["pt", "phi"]
    assert {r["name"] for r in report["evaluation"]["ranks"]} == {"T", "pt", "phi"}
    page = (trained / "report.html").read_text("utf-8")
    assert "Ranks of phi" in page
    assert "Acceptance" in page


def test_the_report_is_drawn_again(trained: Path, tmp_path: Path) -> None:
    page = redraw(trained, tmp_path / "again.html")
    assert page.read_text("utf-8") == (trained / "report.html").read_text("utf-8")


def test_an_inference_shows_what_the_training_found(trained: Path) -> None:
    judged = judgement_of(trained / "model")
    assert judged is not None
    assert {ranks.name for ranks in judged.ranks} == {"T", "pt", "phi"}
    assert judgement_of(trained / "elsewhere") is None
    (section, acceptance) = detector_sections([JudgedDetector("process", "gaussian", judged)])
    assert section.title == "Ranks: gaussian"
    assert acceptance.figures[0].id == "detector-0-acceptance"


def test_a_right_response_has_uniform_ranks(trained: Path) -> None:
    """The Gaussian response has the detector's own form, so that chance alone is left."""
    report = json.loads((trained / "report.json").read_text("utf-8"))["evaluation"]
    assert all(ranks["p_value"] > 1e-4 for ranks in report["ranks"]), report["ranks"]
    assert report["acceptance_p_value"] > 1e-4


def test_learned_response_is_the_detectors(trained: Path) -> None:
    """σ(pt) and ε(pt) against the detector's: a few thousand events give σ to 1/√(2n) = 2 %."""
    function = load_transfer(trained / "model")
    pt = torch.tensor([30.0, 50.0, 80.0], dtype=torch.float64)
    truth = Features(torch.stack([pt, 0 * pt], 1), ("pt", "phi"), ("GeV", "rad"))
    drawn = function.sample(truth, 20_000, torch.Generator().manual_seed(3)).dense
    width = drawn[:, 0].reshape(3, -1).std(dim=1)
    assert torch.allclose(width, torch.sqrt(4.0 + 0.01 * pt**2), rtol=0.1)
    chance = function.log_acceptance(truth).exp()
    assert torch.allclose(chance, torch.sigmoid((pt - 30.0) / 5.0), atol=0.08)


class NarrowTwin:
    """The right density of x = z + normal, and draws that are too narrow."""

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        return -0.5 * (reco.dense - truth.dense).square().sum(dim=1)

    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        z = truth.dense.repeat_interleave(n_draws, dim=0)
        noise = torch.randn(z.shape, generator=rng, dtype=torch.float64)
        return Features(z + 0.8 * noise, ("x",))

    def log_acceptance(self, truth: Features) -> Tensor:
        return torch.full((len(truth),), 0.6, dtype=torch.float64).log()


def test_wrong_widths_and_acceptance_are_seen() -> None:
    rng = torch.Generator().manual_seed(5)
    z = torch.randn((4000, 1), generator=rng, dtype=torch.float64)
    x = z + torch.randn((4000, 1), generator=rng, dtype=torch.float64)
    accepted = torch.rand(4000, generator=rng, dtype=torch.float64) < 0.5
    events = PairedEvents(
        Features(z, ("z",)), Features(x, ("x",)), accepted, torch.ones(4000, dtype=torch.float64)
    )
    found = evaluate_transfer(NarrowTwin(), events, rng)
    by_name = {ranks.name: ranks for ranks in found.ranks}
    counts = by_name["x"].counts
    assert by_name["x"].p_value < 1e-10
    assert min(counts[0], counts[-1]) > 1.3 * counts[len(counts) // 2]
    assert found.acceptance_p_value < 1e-10
    assert (DRAWS + 1) % len(counts) == 0
    assert [note.partition(":")[0] for note in evaluation_notes(found)] == [
        "ranks of T are not uniform",
        "ranks of x are not uniform",
        "the acceptance is off",
    ]
    other = replace(events, reco=replace(events.reco, names=("y",)))
    with pytest.raises(InputError, match="the transfer function draws x; events have y"):
        evaluate_transfer(NarrowTwin(), other, rng)


def test_evaluation_of_further_tables(trained: Path, folder: Path) -> None:
    found = evaluate_files(trained, [folder / "paired.parquet"])
    assert found.events == 6000
    settings = ["events.truth.columns={pt: truth_pt}"]
    with pytest.raises(
        InputError, match=r"truth: columns pt \(1\); the transfer function was trained"
    ):
        evaluate_files(trained, [folder / "paired.parquet"], settings=settings)


def test_columns_of_the_table(folder: Path) -> None:
    events = read_paired(load_transfer_file(folder / "transfer.yaml").events)
    assert events.truth.names == ("pt", "phi")
    assert events.reco.units == ("GeV", "rad")
    assert bool(events.reco.dense.isfinite().all())
    settings = ["events.pass_reco=truth_pt > 0"]
    config = load_transfer_file(folder / "transfer.yaml", settings=settings)
    with pytest.raises(InputError, match="reco_pt is nan"):
        read_paired(config.events)


def test_bad_run_files(folder: Path, trained: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean epochs"):
        load_transfer_file(folder / "transfer.yaml", settings=["transfer.options.epoch=3"])
    with pytest.raises(OutputError, match="holds a transfer function already"):
        train_transfer(folder / "transfer.yaml", output=trained)
    with pytest.raises(ConfigurationError, match="simulate: no truth column 'mass'"):
        train_transfer(
            folder / "transfer.yaml", output=folder / "new", settings=["simulate.mass=pt[0]"]
        )


def test_simulation_of_events(trained: Path, tmp_path: Path) -> None:
    """Pairs out of events: chances and widths are those of the transfer function."""
    from pyarrow import parquet

    found = simulate(EVENTS, tmp_path / "reco.parquet", trained, seed=2)
    table = parquet.read_table(tmp_path / "reco.parquet").to_pydict()
    passed = np.array(table["pass_reco"])
    assert found.rows == found.events == len(passed)
    assert found.accepted == passed.sum()
    assert all(
        (value is None) != kept for value, kept in zip(table["reco_pt"], passed, strict=True)
    )
    again = simulate(EVENTS, tmp_path / "again.parquet", trained, seed=2, lost="drop")
    dropped = parquet.read_table(tmp_path / "again.parquet").to_pydict()
    assert again.rows == found.accepted
    kept = [v for v in table["reco_phi"] if v is not None]
    assert dropped["reco_phi"] == kept
    with pytest.raises(OutputError, match="exists already"):
        simulate(EVENTS, tmp_path / "reco.parquet", trained)
    with pytest.raises(ConfigurationError, match="no truth column 'm'"):
        simulate(EVENTS, tmp_path / "m.parquet", trained, truth={"m": "mass[0]"})
    assert not list(tmp_path.glob(".*"))
