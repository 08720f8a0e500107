"""The detector of examples/cp_phase.py: density and sampler agree, the order of jets means nothing."""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from crosshook.core.component import Slot
from crosshook.core.context import BuildContext
from crosshook.core.inference.assignments import Assignments
from crosshook.core.inference.conditions import Conditions
from crosshook.core.inference.prepared import build_model
from crosshook.core.inference.proposal import EventProposal
from crosshook.core.inference.run import infer
from crosshook.core.inference.run_file import load_inference_file
from crosshook.core.interfaces.features import Features
from crosshook.core.registry import default_registry

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
N = 40_000
FEW = (
    "data.simulate.events=5",
    "integral.points=64",
    "integral.training={events: 1000, passes: 2, batch: 128}",
)
"""Settings of a run of an example that is over in seconds."""


@pytest.fixture(scope="module")
def module() -> Any:
    spec = importlib.util.spec_from_file_location("cp_phase", EXAMPLES / "cp_phase.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    sys.modules["cp_phase"] = found
    spec.loader.exec_module(found)
    return found


def truth(n: int) -> Features:
    """One true event, many times."""
    names = ("pt_h", "y_h", "pt_t", "y_t", "dphi_t", "pt_j", "y_j", "dphi_j")
    units = ("GeV", "", "GeV", "", "rad", "GeV", "", "rad")
    row = torch.tensor([80.0, 0.3, 70.0, -0.4, 2.5, 50.0, 2.1, -2.2], dtype=torch.float64)
    return Features(row.expand(n, -1), names, units)


def test_sample_follows_the_density(module: Any) -> None:
    """∫ T dx = 1 over two and three jets, by a wider detector as the proposal, within 5σ.

    The proposal is the same detector at a kicked truth: T(x|z)/T(x|z') averages to 1 over z'.
    """
    detector, z = module.Detector(), truth(N)
    kicked = z.dense * z.dense.new_tensor([1.05, 1, 1.05, 1, 1, 0.95, 1, 1])
    kicked = kicked + z.dense.new_tensor([0, 0.05, 0, 0.05, 0.05, 0, 0.05, -0.05])
    other = replace(z, dense=kicked)
    drawn = detector.sample(other, 1, torch.Generator().manual_seed(3))
    ratio = torch.exp(detector.log_prob(drawn, z) - detector.log_prob(drawn, other))
    error = float(ratio.std()) / math.sqrt(N)
    assert error < 0.05
    assert abs(float(ratio.mean()) - 1) < 5 * error
    _, mask = drawn.sets["jets"]
    share = float((mask.sum(dim=1) == 3).to(torch.float64).mean())
    assert abs(share - module.RADIATES) < 5 * math.sqrt(0.24 / N)


def test_order_and_padding_mean_nothing(module: Any) -> None:
    detector, z = module.Detector(), truth(50)
    drawn = detector.sample(z, 1, torch.Generator().manual_seed(4))
    values, mask = drawn.sets["jets"]
    turned = replace(drawn, sets={"jets": (values[:, [2, 0, 1]], mask[:, [2, 0, 1]])})
    padded = replace(
        drawn,
        sets={
            "jets": (
                torch.nn.functional.pad(values, (0, 0, 0, 2), value=math.nan),
                torch.nn.functional.pad(mask, (0, 2)),
            )
        },
    )
    found = detector.log_prob(drawn, z)
    assert torch.allclose(detector.log_prob(turned, z), found, rtol=1e-12)
    assert torch.equal(detector.log_prob(padded, z), found)


def test_labels_help(module: Any) -> None:
    """Where the assignment is known, the density is that of one term of the sum, and no smaller."""
    z = truth(200)
    labelled = module.Detector(labelled=True)
    drawn = labelled.sample(z, 1, torch.Generator().manual_seed(5))
    known, unknown = labelled.log_prob(drawn, z), module.Detector().log_prob(drawn, z)
    assert (unknown - known).min() > -1e-9
    # less than all k! orders: the assignment is not lost altogether
    orders = torch.lgamma(drawn.sets["jets"][1].sum(dim=1) + 1.0)
    assert (known - (unknown - orders)).mean() > 0.2


def test_other_numbers_of_jets_have_no_density(module: Any) -> None:
    z = truth(2)
    values = torch.full((2, 4, 4), 50.0, dtype=torch.float64)
    mask = torch.tensor([[True] * 4, [True, False, False, False]])
    reco = replace(
        module.Detector().sample(z, 1, torch.Generator()), sets={"jets": (values, mask)}
    )
    assert module.Detector().log_prob(reco, z).tolist() == [-math.inf, -math.inf]


def test_the_model_of_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """Truth has what the detector is told, and the density depends on the sign of the phase."""
    monkeypatch.chdir(ROOT)
    config = load_inference_file(EXAMPLES / "cp_phase.yaml")
    model = build_model(config.processes[0], config)
    u = torch.rand((500, model.n_dim), generator=torch.Generator().manual_seed(1)).double()
    points = model.points(u)
    assert model.truth_names[:2] == ("pt_h", "y_h")
    assert model.truth_units[4] == "rad"
    names = [parameter.name for parameter in model.parameters]
    theta = torch.tensor([[p.reference for p in model.parameters]] * 3, dtype=torch.float64)
    phases = [0.7, -0.7, 0.7 - 2 * math.pi]
    theta[:, names.index("cp_phase")] = torch.tensor(phases, dtype=torch.float64)
    found = model.log_density(points, theta)[points.inside]
    assert (found[:, 0] - found[:, 1]).abs().max() > 0.1
    assert torch.allclose(found[:, 0], found[:, 2], rtol=1e-9)


def test_the_mixture_over_orders_of_jets_knows_its_density(module: Any) -> None:
    """E_q[f/q] = 1 for f a part of the mixture, by its own share; orders need jets that are there."""
    z = truth(40)
    reco = module.Detector().sample(z, 1, torch.Generator().manual_seed(6))
    rng = torch.Generator().manual_seed(7)
    conditions = Conditions.of(reco, (), None)
    assignments = Assignments.of(conditions, 6, rng)
    assert assignments is not None
    with torch.no_grad():  # away from equal shares
        for parameter in assignments.network.parameters():
            parameter += 0.3 * torch.randn(parameter.shape, generator=rng)
        told = conditions(reco)
        turned, log_share = assignments(told)
    number = reco.sets["jets"][1].sum(dim=1)
    assert torch.equal(
        torch.isfinite(log_share).sum(dim=1), torch.where(number == 3, 6, 2).to(number)
    )
    # every order is a permutation: what is summed over objects stays
    assert torch.allclose(turned.sum(dim=2), told.sum(dim=1)[:, None].expand(-1, 6))

    context = BuildContext(rng=rng, dimensions=2, channels=1, condition_size=conditions.size)
    slot = Slot("flow", {"hidden": 8, "bins": 4, "placed": True})
    mapping: Any = default_registry().build("channel_mapping", slot, context)
    with torch.no_grad():
        for parameter in mapping.parameters():
            parameter += 0.1 * torch.randn(parameter.shape, generator=rng)
    proposal = EventProposal(mapping, conditions, assignments=assignments)
    n = 500
    r = torch.rand((len(reco), n, proposal.numbers(2)), generator=rng, dtype=torch.float64)
    u, log_q = proposal.draw(reco, r)
    best = turned[torch.arange(len(reco)), log_share.argmax(dim=1)].repeat_interleave(n, dim=0)
    channel = torch.zeros(len(best), dtype=torch.int64)
    with torch.no_grad():
        log_f = mapping.inverse(u.reshape(-1, 2), channel, best)[1]
    ratio = torch.exp(log_f - log_q.reshape(-1))
    # 1/q of a part is at most one over its share: bounded, so that the error can be trusted
    error = float(ratio.std()) / math.sqrt(len(ratio))
    assert error < 0.05
    assert abs(float(ratio.mean()) - 1) < 5 * error
    # and f = 1, the whole square
    inverse = torch.exp(-log_q)
    assert abs(float(inverse.mean()) - 1) < 5 * float(inverse.std()) / math.sqrt(inverse.numel())


def test_the_example_with_a_learned_transfer_function(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """From the simulator's events to a likelihood, with everything small: it runs, and is judged."""
    monkeypatch.chdir(ROOT)
    small = (
        "transfer.options={width: 16, heads: 2, blocks: 1, epochs: 1, components: 2, bins: 4}",
        "transfer.train.events=3000",
        "parameters.cp_phase.points=4",
        *FEW,
        "output.report=none",
    )
    report = infer(EXAMPLES / "cp_phase_learned.yaml", settings=small, output=tmp_path / "out")
    (judged,) = report.judged
    assert judged.name == "transformer-flow"
    assert not judged.own_events
    assert report.integrals is not None
    assert report.parameters[0].truth == 0.6


def test_the_example_ends_in_a_report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Likelihood, coverage, effective points and ranks, all of a small run of the example."""
    monkeypatch.chdir(ROOT)
    small = (
        "parameters.cp_phase.points=8",
        *FEW,
        "intervals.toys.values=2",
        "intervals.toys.pool=100",
    )
    report = infer(EXAMPLES / "cp_phase.yaml", settings=small, output=tmp_path / "out")
    assert [toy.truth for toy in report.toys] == [-math.pi, 0.0]
    assert report.integrals is not None
    (judged,) = report.judged
    assert judged.own_events
    # density, sampler and acceptance are one detector's: a fluctuation as rare as this is a fault
    assert min(ranks.p_value for ranks in judged.judgement.ranks) > 1e-5
    assert judged.judgement.acceptance_p_value > 1e-5
    page = (tmp_path / "out" / "report.html").read_text("utf-8")
    for section in ("Likelihood", "Pseudo-experiments", "Integrals", "Ranks: python"):
        assert f">{section}</h2>" in page


def test_another_detector_than_the_simulator_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A Higgs boson measured a standard deviation higher than T says has uneven ranks."""
    monkeypatch.chdir(ROOT)
    (tmp_path / "other.py").write_text(
        "import importlib.util\n"
        f"spec = importlib.util.spec_from_file_location('d', {str(EXAMPLES / 'cp_phase.py')!r})\n"
        "found = importlib.util.module_from_spec(spec)\n"
        "spec.loader.exec_module(found)\n"
        "class Shifted(found.Detector):\n"
        "    def sample(self, truth, n_draws, rng):\n"
        "        drawn = super().sample(truth, n_draws, rng)\n"
        "        drawn.dense[:, 0] *= 1.1\n"
        "        return drawn\n"
    )
    small = (
        f"simulator={{use: python, options: {{function: '{tmp_path / 'other.py'}:Shifted'}}}}",
        "parameters.cp_phase.points=4",
        *FEW,
        "integral.proposal=null",
        "intervals.toys=null",
        "output.report=none",
    )
    report = infer(EXAMPLES / "cp_phase.yaml", settings=small, output=tmp_path / "out")
    (judged,) = report.judged
    assert not judged.own_events
    assert any("python of process: ranks of pt_h are not uniform" in n for n in report.notes)
