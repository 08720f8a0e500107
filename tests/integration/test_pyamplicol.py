"""pyAmpliCol from PyPI: its amplitudes against other programs, and a run from words to showered events.

Generating takes about three minutes; the libraries stay in `.integration/cache`.
"""

from __future__ import annotations

import json
import os
import warnings
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
import yaml

from crosshook.adapters.processes.top_pair_amplitudes import (
    gluon_colour_flows,
    gluons_to_heavy_quarks,
    quarks_to_heavy_quarks,
)
from crosshook.adapters.umami.handles import Handles
from crosshook.adapters.umami.library import Library
from crosshook.adapters.umami.source import UmamiSource
from crosshook.core.amplitudes.colour import colour_ends
from crosshook.core.cli import main
from crosshook.core.events.files import open_events
from crosshook.core.phase_space.beams import incoming
from crosshook.core.phase_space.massive_rambo import MassiveRambo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from torch import Tensor

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "amplicol" / "pp-ttbar-jet.yaml"
TOP_JET, TOP_PAIR = "p p > t t~ j", "p p > t t~"
MADGRAPH = {"particle.6.width": 1.4915}
"""MadGraph keeps the top's width, which crosshook sets to 0 for a stable leg."""

DIGITS = 1e-9
"""Relative change of |M|² by momenta with 11 digits, for each unit of E1 E2/(p1·p2): 5e-11 for each
of four components of an invariant, times five for |M|², which has up to two small ones, squared."""

SHOWERED = 200


@pytest.fixture(scope="module")
def new(environments) -> Iterator[Callable[..., dict[str, object]]]:
    """`crosshook process new`: the options of a process in words."""
    with pytest.MonkeyPatch.context() as patch:
        python = environments.python("pyamplicol==1.0.1")
        patch.setenv("CROSSHOOK_PYAMPLICOL", str(python.parents[1]))
        patch.setenv("XDG_CACHE_HOME", str(ROOT / ".integration" / "cache"))
        folder = ROOT / ".integration"

        def call(process: str, *words: str) -> dict[str, object]:
            output = folder / "process.yaml"
            command = ["process", "new", process, *words, "--output", str(output), "--overwrite"]
            main(command)
            return yaml.safe_load(output.read_text())["process"]["umami"]

        yield call


def source(options, pdg, parameters=()) -> tuple[UmamiSource, int, int]:
    """The library of a process; flavour index and number in the list of some legs."""
    (number,) = [n for n, s in enumerate(options["subprocesses"]) if s["pdg"] == list(pdg)]
    entry = options["subprocesses"][number]
    library = Library(Path(entry["library"]))
    probe = points(tuple(options["masses"][2:]), 1)
    return (
        UmamiSource(Handles(library, "", dict(parameters)), probe),
        entry["flavor_index"],
        number,
    )


def points(masses: tuple[float, ...], n: int) -> Tensor:
    """Two partons at 1 TeV to these masses, evenly."""
    space = MassiveRambo(masses)
    generator = torch.Generator().manual_seed(20261122)
    uniform = torch.rand((n, space.n_dim), dtype=torch.float64, generator=generator)
    energy = torch.full((n,), 1000.0, dtype=torch.float64)
    final, _ = space.forward(uniform, energy.square())
    return torch.cat([incoming(energy / 2, energy / 2), final], dim=1)


def table(name: str) -> dict[str, Tensor]:
    """Columns of a table of |M|²."""
    parquet = pytest.importorskip("pyarrow.parquet")
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if not folder:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set: no tables of |M|²")
    found = parquet.read_table(Path(folder) / "amplitudes" / f"{name}.parquet")
    return {key: torch.tensor(found[key].to_numpy()) for key in found.column_names}


def closeness(momenta: Tensor) -> Tensor:
    """Largest E1 E2/(p1·p2) of the pairs of each event: by how much it amplifies rounding."""
    metric = torch.tensor([1.0, -1, -1, -1], dtype=torch.float64)
    products = ((momenta[:, :, None] * momenta[:, None]) * metric).sum(-1).abs()
    energies = momenta[:, :, None, 0] * momenta[:, None, :, 0]
    one, other = torch.triu_indices(momenta.shape[1], momenta.shape[1], 1)
    return (energies / products)[:, one, other].max(1).values


@pytest.mark.parametrize(
    ("name", "pdg", "most"),
    [
        ("gg_ttg", (21, 21, 6, -6, 21), 0.99),
        ("gq_ttq", (21, 1, 6, -6, 1), 0.9),
        ("gq_ttq", (21, -1, 6, -6, -1), 0.9),
    ],
)
def test_full_colour_agrees_with_madgraph(new, name, pdg, most) -> None:
    """To 1e-8, or to what the digits of the table tell."""
    columns = table(name)
    momenta = torch.stack(
        [columns[f"p{leg}_{c}"] for leg in range(5) for c in ("E", "px", "py", "pz")], dim=1
    ).reshape(-1, 5, 4)
    rows = torch.ones(len(momenta), dtype=torch.bool)
    if "p1_pdg" in columns:  # quarks of every flavour are alike
        rows = torch.sign(columns["p1_pdg"]) == np.sign(pdg[1])
    amplitudes, flavour, _ = source(new(TOP_JET), pdg, MADGRAPH.items())
    found = amplitudes.evaluate(momenta[rows], columns["alpha_s_lhe"][rows], flavour).squared
    change = (found / columns["me2"][rows] - 1).abs()
    assert bool((change < DIGITS * closeness(momenta[rows])).all())
    assert float(change.median()) < 1e-9
    assert float((change < 1e-8).double().mean()) > most


def test_full_colour_agrees_with_madgraph_in_double_precision(new) -> None:
    """Points with all their digits: one factor, of the coupling's own rounding, and nothing else.

    MadGraph's coupling has nine digits there, which is 3e-8 in g⁶.
    """
    columns = table("gg_ttg_rambo1TeV")
    n = 20_000
    vectors = torch.stack(
        [columns[f"p{leg}_{c}"][:n] for leg in (2, 3, 4) for c in ("px", "py", "pz")], dim=1
    ).reshape(n, 3, 3)
    squares = torch.tensor([173.0, 173.0, 0.0], dtype=torch.float64).square()
    energies = torch.sqrt(vectors.square().sum(2) + squares)
    beam = torch.full((n,), 500.0, dtype=torch.float64)
    momenta = torch.cat(
        [incoming(beam, beam), torch.cat([energies[..., None], vectors], dim=2)], dim=1
    )
    amplitudes, flavour, _ = source(new(TOP_JET), (21, 21, 6, -6, 21), MADGRAPH.items())
    found = amplitudes.evaluate(momenta, torch.full_like(beam, 0.118), flavour).squared
    ratio = found / columns["me2"][:n]
    assert abs(float(ratio.median()) - 1) < 3e-8
    assert float((ratio / ratio.median() - 1).abs().max()) < 1e-9


def test_top_pairs_agree_with_closed_forms(new) -> None:
    """|M|² of gg and qq̄ → tt̄, and the colour flow that each random number chooses."""
    options = new(TOP_PAIR)
    momenta = points((173.0, 173.0), 2000)
    alpha_s = torch.linspace(0.1, 0.2, 2000, dtype=torch.float64)
    for pdg, expected in (
        ((21, 21, 6, -6), gluons_to_heavy_quarks),
        ((1, -1, 6, -6), quarks_to_heavy_quarks),
    ):
        amplitudes, flavour, _ = source(options, pdg)
        found = amplitudes.evaluate(momenta, alpha_s, flavour).squared
        exact = expected(momenta, alpha_s, 173.0)
        torch.testing.assert_close(found, exact, rtol=1e-10, atol=0)
    amplitudes, flavour, number = source(options, (21, 21, 6, -6))
    uniform = torch.rand(2000, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    chosen = amplitudes.evaluate(momenta, alpha_s, flavour, colour_uniform=uniform).colour_flow
    weights = gluon_colour_flows(momenta)
    weights = weights / weights.sum(1, keepdim=True)
    flows = options["subprocesses"][number]["colour_flows"]
    from_gluon_1 = [flow[2][0] == flow[0][0] for flow in flows]  # the top's colour
    assert sorted(from_gluon_1) == [False, True]
    first = weights[:, 0 if from_gluon_1[0] else 1]
    clear = (uniform - first).abs() > 1e-9
    assert torch.equal(chosen[clear] == 1, (uniform >= first)[clear])


@pytest.mark.parametrize(
    ("name", "pdg"), [("gg_ttg", (21, 21, 6, -6, 21)), ("gq_ttq", (21, 1, 6, -6, 1))]
)
def test_flows_are_those_of_madgraphs_events(new, name, pdg) -> None:
    """The same flows of leading colour: all of ours occur, and no other."""
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if not folder:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set: no events of MadGraph")
    options = new(TOP_JET)
    _, _, number = source(options, pdg)
    ours = {renumbered(flow) for flow in options["subprocesses"][number]["colour_flows"]}
    with open_events(Path(folder) / "lhe" / "madgraph" / f"{name}.lhe.gz", 10_000) as stream:
        batch = next(iter(stream))
    ids, one, other = (
        np.asarray(batch.particle_columns[key]) for key in ("pdg_id", "colour1", "colour2")
    )
    theirs = set()
    for start in batch.offsets[:-1]:
        rows = slice(start, start + 5)
        if np.sign(ids[start + 1]) == np.sign(pdg[1]):  # not of antiquarks
            theirs.add(renumbered(zip(one[rows], other[rows], strict=True)))
    assert theirs == ours


def renumbered(flow) -> tuple[tuple[int, int], ...]:
    """Colour lines in the order in which they appear."""
    seen: dict[int, int] = {0: 0}
    return tuple(
        (seen.setdefault(int(a), len(seen)), seen.setdefault(int(b), len(seen))) for a, b in flow
    )


@pytest.fixture(scope="module")
def run(new, tmp_path_factory) -> Path:
    """The example, with fewer events."""
    new(TOP_JET)
    directory = tmp_path_factory.mktemp("runs") / "pp-ttbar-jet"
    settings = {
        "sampling.evaluations": 100_000,
        "integrate.evaluations": 100_000,
        "generate.events": 2_000,
        "output.formats": "[lhe.gz]",
        "output.report": "none",
    }
    flags = [word for key, value in settings.items() for word in ("--set", f"{key}={value}")]
    main(["run", str(EXAMPLE), "--output", str(directory), "--quiet", *flags])
    return directory


def test_events_are_valid_one_by_one(run) -> None:
    """Every colour line closed, flavours conserved, each process with its own σ."""
    with open_events(run / "events.lhe.gz", 10_000) as stream:
        batch = next(iter(stream))
        shares = {p.process_id: p.cross_section for p in stream.info.processes}
    report = json.loads((run / "report.json").read_text())["integration"]
    assert sum(shares.values()) == pytest.approx(report["cross_section"], rel=0.05)
    assert set(shares) == {1, 2, 3, 4}
    columns = {
        name: np.asarray(batch.particle_columns[name])
        for name in ("pdg_id", "status", "colour1", "colour2")
    }
    seen = set()
    for start, end in zip(batch.offsets[:-1], batch.offsets[1:], strict=True):
        event = {name: column[start:end].tolist() for name, column in columns.items()}
        ends: Counter[int] = Counter()
        flavour: Counter[int] = Counter()
        for pdg, status, *line in zip(*event.values(), strict=True):
            assert tuple(map(bool, line)) == colour_ends(pdg)
            sign = 1 if status == 1 else -1
            ends[line[0]] += sign
            ends[line[1]] -= sign
            if pdg != 21:
                flavour[abs(pdg)] += sign * (1 if pdg > 0 else -1)
        numbers = [n for name in ("colour1", "colour2") for n in event[name] if n]
        assert all(numbers.count(n) == 2 for n in numbers)
        assert not any(count for number, count in ends.items() if number)
        assert not any(flavour.values())
        assert event["pdg_id"][2:4] == [6, -6]
        seen.add(frozenset(event["pdg_id"][:2]))
    assert {frozenset({21}), frozenset({21, 2}), frozenset({21, 1}), frozenset({2, -2})} <= seen


def test_pythia_showers_them(run) -> None:
    with warnings.catch_warnings():
        # SWIG's types have no __module__; Python says so when the library loads
        warnings.filterwarnings("ignore", "builtin type .*", DeprecationWarning)
        library = pytest.importorskip("pythia8mc", reason="pythia8mc is not installed")
    generator = library.Pythia("", False)
    for setting in (
        "Print:quiet = on",
        "Beams:frameType = 4",
        f"Beams:LHEF = {run / 'events.lhe.gz'}",
        "Random:setSeed = on",
        "Random:seed = 20261122",
        "PartonLevel:MPI = off",
        "Check:event = on",
    ):
        assert generator.readString(setting), setting
    assert generator.init()
    assert all(generator.next() for _ in range(SHOWERED))
    hadrons = [p for p in generator.event if p.isFinal() and p.isHadron()]
    assert len(hadrons) > 10
