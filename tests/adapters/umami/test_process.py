"""Whole runs on UMAMI libraries: cross sections against MadGraph and our own amplitudes."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import torch
import yaml

from crosshook.core.cli import main
from crosshook.core.config import resolve
from crosshook.core.events.files import open_events
from crosshook.core.process.scattering import ScatteringProcess, proposed_weights
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import build_process
from tests.adapters.umami.conftest import CHANNELS, FLOWS, ROOT, top_pair

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from crosshook.core.interfaces.process import PhaseSpacePoint
    from tests.adapters.umami.conftest import Compile

MADGRAPH_MUONS = 0.1042870, 5.338566e-05
"""σ of MadGraph's e+e- → µ+µ- at 1 TeV with pT > 10 GeV, |η| < 2.5 and its error, in pb."""


def scattering(process: object, **keys: object) -> ScatteringProcess:
    """A process as a run composes it."""
    registry = default_registry()
    return build_process(resolve({"process": process, **keys}, "run.yaml", registry), registry)


def estimate(process: ScatteringProcess, n: int, seed: int) -> tuple[float, float]:
    """σ and its error from evenly shared channels without any training, in pb."""
    generator = torch.Generator().manual_seed(seed)
    u = torch.rand(n, process.n_dim, generator=generator, dtype=torch.float64)
    k = len(process.channels)
    channel = torch.arange(n) % k
    found = process.evaluate(u, channel)
    alpha = torch.exp(found.log_prior.gather(1, channel[:, None])[:, 0])
    weight = (k * alpha * found.value).reshape(-1, k)
    variance = (weight.var(dim=0) / len(weight)).sum() / k**2
    return float(weight.mean()), math.sqrt(float(variance))


def test_a_whole_run_gives_the_cross_section_of_madgraph(
    library: Compile, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The example, with its library where the compiler put it."""
    document = yaml.safe_load((ROOT / "examples" / "umami" / "ee-mumu.yaml").read_text("utf-8"))
    document["process"]["umami"]["subprocesses"][0]["library"] = str(library("ee_ff"))
    run_file, output = tmp_path / "run.yaml", tmp_path / "run"
    run_file.write_text(yaml.safe_dump(document))
    small = ["sampling.evaluations=20000", "integrate.evaluations=40000", "generate.events=300"]
    small += ["generate.pilot=10000", "block_size=4096", "output.report=none"]
    words = [word for setting in small for word in ("--set", setting)]
    main(["run", str(run_file), "--output", str(output), "--quiet", *words])
    assert "pb" in capsys.readouterr().out
    report = json.loads((output / "report.json").read_text())
    sigma, error = report["integration"]["cross_section"], report["integration"]["error"]
    assert abs(sigma - MADGRAPH_MUONS[0]) < 5 * math.hypot(error, MADGRAPH_MUONS[1])
    with open_events(output / "events.lhe.gz") as stream:
        (batch,) = list(stream)
        assert [p.process_id for p in stream.info.processes] == [1]
    assert len(batch) == 300


def test_several_subprocesses_have_a_cross_section_each(library: Compile) -> None:
    """Muons, and up quarks with three colours, in one run: as each alone."""
    path = str(library("ee_ff"))
    muons = {"library": path, "pdg": [-11, 11, -13, 13]}
    ups = {"library": path, "flavor_index": 1, "pdg": [-11, 11, -2, 2], "process_id": 7}
    cuts = {"pt_min": 10}
    both = scattering({"umami": {"subprocesses": [muons, ups]}}, cuts=cuts)
    assert both.process_ids == (1, 7)
    u = torch.rand(500, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    channel = torch.zeros(500, dtype=torch.int64)
    parts = both.evaluate(u, channel).parts
    assert parts is not None
    for column, one in enumerate((muons, ups)):
        alone = scattering({"umami": {"subprocesses": [one]}}, cuts=cuts)
        assert torch.allclose(alone.evaluate(u, channel).value, parts[:, column], rtol=1e-14)


def test_event_files_tell_subprocesses_apart(library: Compile, tmp_path: Path) -> None:
    """LPRUP and XSECUP of each; the events are shared out by their cross sections, within 5σ."""
    path = str(library("ee_ff"))
    ids = ([-13, 13], [-2, 2], [-1, 1])
    given = [
        {"library": path, "flavor_index": i, "pdg": [-11, 11, *pdg], "process_id": 10 + i}
        for i, pdg in enumerate(ids)
    ]
    document = {
        "process": {"umami": {"subprocesses": given}},
        "sampling": {"evaluations": 5000},
        "integrate": {"evaluations": 8000},
        "generate": {"events": 500, "pilot": 5000},
        "output": {"formats": ["lhe"], "report": "none"},
        "block_size": 2048,
    }
    run_file, output = tmp_path / "run.yaml", tmp_path / "run"
    run_file.write_text(yaml.safe_dump(document))
    main(["run", str(run_file), "--output", str(output), "--quiet"])
    with open_events(output / "events.lhe") as stream:
        (batch,) = list(stream)
        shares = {p.process_id: p.cross_section for p in stream.info.processes}
    assert list(shares) == [10, 11, 12]
    total = sum(shares.values())
    for number, sigma in shares.items():
        share = sigma / total
        found = float((batch.event["process_id"] == number).mean())
        assert abs(found - share) < 5 * math.sqrt(share * (1 - share) / 500)


def test_top_pairs_out_of_protons_agree_with_our_own(library: Compile) -> None:
    """The same amplitude through other maps, with both kinds of prior weights."""
    ours = scattering({"pp-ttbar": {"mass_t": 173.0, "light_flavours": 0}})
    expected = estimate(ours, 12_000, 5)
    options = top_pair(library("gg_tt"))
    without = [{k: v for k, v in c.items() if k != "diagrams"} for c in CHANNELS]
    for channels in (CHANNELS, without, []):
        process = scattering({"umami": {**options, "channels": channels}})
        assert process.n_dim == 4
        found = estimate(process, 12_000, 6)
        assert abs(found[0] - expected[0]) < 5 * math.hypot(found[1], expected[1])


def test_prior_weights_are_the_shares_of_the_diagrams(library: Compile) -> None:
    process = scattering({"umami": top_pair(library("gg_tt"))})
    assert process.channels == ("s", "t", "u")
    u = torch.rand(300, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    found = process.evaluate_points(u, torch.arange(300) % 3)
    p = found.points.momenta
    tau = [2 * (p[:, i] * p[:, 2] * torch.tensor([1, -1, -1, -1])).sum(1) for i in (0, 1)]
    squares = torch.stack((4 * torch.ones_like(tau[0]), *((sum(tau) / t) ** 2 for t in tau)), 1)
    expected = squares / squares.sum(1, keepdim=True)
    prior = torch.exp(found.evaluation.log_prior[found.rows])
    assert torch.allclose(prior, expected, rtol=1e-6)


def test_prior_weights_do_not_depend_on_other_points(
    library: Compile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One point that is no number leaves those of its block as they are."""
    process = scattering({"umami": top_pair(library("gg_tt"))})
    u = torch.rand(300, 4, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    channel = torch.arange(300) % 3
    before = process.evaluate(u, channel)
    forward = process.phase_space.forward

    def spoilt(u: torch.Tensor, channel: torch.Tensor) -> PhaseSpacePoint:
        point = forward(u, channel)
        momenta = point.momenta.clone()
        momenta[7] = torch.nan
        return replace(point, momenta=momenta)

    monkeypatch.setattr(process.phase_space, "forward", spoilt)
    after = process.evaluate(u, channel)
    assert torch.nonzero(after.value.isnan()).tolist() == [[7]]
    others = torch.arange(300) != 7
    assert torch.equal(after.value[others], before.value[others])
    assert torch.equal(after.log_prior[others], before.log_prior[others])
    assert after.log_prior[7].isfinite().all()


def test_mirrored_subprocesses_have_channels_of_their_own(library: Compile) -> None:
    """gg is its own mirror image: half the amplitude twice is the whole, with t and u exchanged."""
    options = top_pair(library("gg_tt"), identical=2, mirror=True)
    options["channels"] = CHANNELS[:2]
    process = scattering({"umami": options})
    assert process.channels == ("s", "t", "t~")
    whole = scattering({"umami": top_pair(library("gg_tt"))})
    found, expected = estimate(process, 12_000, 8), estimate(whole, 12_000, 9)
    assert abs(found[0] - expected[0]) < 5 * math.hypot(found[1], expected[1])
    u = torch.rand(200, 4, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    prior = process.evaluate(u, torch.arange(200) % 3).log_prior.exp()
    assert torch.allclose(prior.sum(1), torch.ones(200, dtype=torch.float64))
    assert (prior[:, 1:] > 0).all()


def test_proposed_weights() -> None:
    densities = torch.log(torch.tensor([[1.0, 3.0], [1.0, 3.0], [0.0, 3.0], [1.0, 3.0]]))
    proposed = torch.tensor([[2.0, 6.0], [0.0, 0.0], [1.0, 1.0], [torch.nan, 1.0]])
    weights = proposed_weights(densities, proposed).exp()
    expected = torch.tensor([[0.25, 0.75], [0.25, 0.75], [0.0, 1.0], [0.25, 0.75]])
    assert torch.allclose(weights, expected)
    assert torch.allclose(proposed_weights(densities, None).exp()[0], expected[0])


def test_events_have_colour_flows_of_the_library(library: Compile, tmp_path: Path) -> None:
    """Every line closed; the share of the first flow is that of gg → tt̄, which is symmetric: ½."""
    document = {
        "process": {"umami": top_pair(library("gg_tt"))},
        "beams": {"energy": 13000, "pdf": "ToyLH_LO"},
        "sampling": {"evaluations": 20_000},
        "integrate": {"evaluations": 20_000},
        "generate": {"events": 400, "pilot": 10_000},
        "output": {"formats": ["lhe"], "report": "none"},
        "variations": {"scales": "7-point"},
        "block_size": 4096,
    }
    run_file, output = tmp_path / "run.yaml", tmp_path / "run"
    run_file.write_text(yaml.safe_dump(document))
    main(["run", str(run_file), "--output", str(output), "--quiet"])
    with open_events(output / "events.lhe") as stream:
        (batch,) = list(stream)
    lines = zip(
        batch.particles["colour1"].to_list(), batch.particles["colour2"].to_list(), strict=True
    )
    known = [[tuple(line) for line in flow] for flow in FLOWS]
    flows = [known.index(list(zip(one, two, strict=True))) for one, two in lines]
    # 5σ of a fair coin
    assert abs(sum(flows) / 400 - 0.5) < 5 * 0.5 / math.sqrt(400)
