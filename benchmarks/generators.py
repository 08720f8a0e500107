"""Cross sections and unweighting efficiencies of pp → e-e+j and pp → e-ν̄jj against Sherpa 3.0.3.

    CROSSHOOK_REFERENCE_DATA=DIR python benchmarks/generators.py [--quick] [--json FILE] [--cases NAME ...]

Set-ups are those of Sherpa's runs whose events are in DIR/lhe/sherpa: 13 TeV, NNPDF31_nnlo_as_0118_mc,
five light flavours, μ_R = μ_F = Σ p_T, anti-kT jets of R = 0.4 above 30 GeV, m_ee > 66 GeV, m_eν > 1 GeV.
Amplitudes are pyAmpliCol's at full colour, made by `crosshook process new` and kept in its cache; all
flavours are summed at every point. VEGAS adapts the maps of transverse momenta and rapidities. Sherpa's
rule for the efficiency: the points above w_max carry 0.1 % of Σw, per point after cuts; here once for the
sum of all subprocesses, there by subprocess. One thread, CPU time.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import yaml
from processes import deviation, fresh, trained
from records import Record, in_words, machine, write

import crosshook
from crosshook.core import kinematics
from crosshook.core.execute import one_thread
from crosshook.core.statistics import efficiency

if TYPE_CHECKING:
    from torch import Tensor

    from crosshook.core.amplitudes.assembled import AssembledAmplitudes
    from crosshook.core.amplitudes.source import AmplitudeSource, SourceValues

SEED = 1
QUICK = 10
RESAMPLES = 20
PACKAGES = ("torch", "numpy", "crosshook")

# electroweak parameters of Sherpa 3.0.3: G_μ scheme with complex masses
M_Z, WIDTH_Z, M_W, WIDTH_W, G_MU = 91.1876, 2.4952, 80.379, 2.085, 1.16639e-5
Z_POLE, W_POLE = complex(M_Z**2, -M_Z * WIDTH_Z), complex(M_W**2, -M_W * WIDTH_W)
SINE = 1 - W_POLE / Z_POLE
"""sin²θ_W."""
ALPHA = math.sqrt(2) * G_MU * abs(W_POLE * SINE) / math.pi
FROZEN = 1 - (80.419002445756163 / 91.188) ** 2
"""sin²θ_W of pyAmpliCol's built-in model, which does not follow the masses."""

W = {"legs": [2, 3], "mass": M_W, "width": WIDTH_W}
Z = {"legs": [2, 3], "mass": M_Z, "width": WIDTH_Z}


@dataclass(frozen=True)
class Case:
    """A process.

    Attributes:
        process: for `crosshook process new`.
        alpha: of the amplitudes.
        cuts: of the run.
        channels: of the phase space.
        evaluations: of the training.
        points: fresh ones that figures are taken on.
        sherpa: σ in pb with its error, and the unweighting efficiency.
    """

    process: str
    alpha: float
    cuts: dict[str, float]
    channels: list[dict[str, object]]
    evaluations: int
    points: int
    sherpa: tuple[float, float, float]


CASES = {
    "z-jet": Case(
        "p p > e- e+ j",
        ALPHA,
        {"jet_pt_min": 30.0, "mll_min": 66.0},
        [{"name": "z", "transverse": True, "propagators": [Z]}],
        200_000,
        1_000_000,
        (239.24, 0.43, 0.0088),
    ),
    "w-jet-jet": Case(
        "p p > e- ve~ j j",
        ALPHA * FROZEN / abs(SINE),  # |M|² is proportional to (α/sin²θ_W)²
        {"jet_pt_min": 30.0, "jet_delta_r_min": 0.4, "mll_min": 1.0},
        [
            {"name": "w-j-j", "transverse": True, "propagators": [W]},
            {"name": "w-jj", "transverse": True, "propagators": [W, {"legs": [4, 5]}]},
        ],
        200_000,
        500_000,
        (262.46, 1.25, 0.00040),
    ),
}


@dataclass
class Neutral:
    """Amplitudes of q q̄ → e-e+g and its crossings, with sin²θ_W replaced.

    With massless fermions every helicity amplitude is a product of couplings and propagators,
    Q_q Q_e/s + g_q g_e/(s - μ_Z²), with the same spinors whatever the couplings: the ratio is exact.

    Attributes:
        source: the amplitudes with `FROZEN`.
        pdg: of the legs.
    """

    source: AmplitudeSource
    pdg: tuple[int, ...]

    def __getattr__(self, name: str) -> object:
        return getattr(self.source, name)

    def evaluate(
        self, momenta: Tensor, alpha_s: Tensor, flavour: int, **more: bool
    ) -> SourceValues:
        """See `AmplitudeSource.evaluate`."""
        found = self.source.evaluate(momenta, alpha_s, flavour, **more)
        ratio = self._couplings(momenta, SINE) / self._couplings(momenta, FROZEN)
        return replace(found, squared=found.squared * ratio)

    def _couplings(self, momenta: Tensor, sine: complex) -> Tensor:
        quarks = [i for i in (0, 1, 4) if self.pdg[i] != 21]
        # a quark that goes in is an antiquark that goes out
        into = [(self.pdg[i] > 0) == (i < 2) for i in quarks]
        one, two = quarks if into[0] else reversed(quarks)
        charge, isospin = (2 / 3, 0.5) if self.pdg[one] % 2 == 0 else (-1 / 3, -0.5)

        def invariant(i: int, j: int) -> Tensor:
            return 2 * kinematics.dot(momenta[:, i], momenta[:, j])

        s = invariant(2, 3)
        same = invariant(one, 3) ** 2 + invariant(two, 2) ** 2
        opposite = invariant(one, 2) ** 2 + invariant(two, 3) ** 2
        total = torch.zeros_like(s)
        for left_quark in (True, False):
            for left_lepton in (True, False):
                quark = (isospin if left_quark else 0.0) - charge * sine
                lepton = (-0.5 if left_lepton else 0.0) + sine
                z = quark * lepton / (sine * (1 - sine)) / (s - Z_POLE)
                amplitude = -charge / s + z
                total = total + amplitude.abs() ** 2 * (
                    same if left_quark == left_lepton else opposite
                )
        return total


def corrected(elements: AssembledAmplitudes) -> AssembledAmplitudes:
    """The same with `Neutral` sources, one for each amplitude."""
    shared: dict[tuple[int, int], Neutral] = {}
    contributions = []
    for each in elements.contributions:
        source = shared.setdefault((id(each.source), each.flavour), Neutral(each.source, each.pdg))
        contributions.append(replace(each, source=source))
    return replace(elements, contributions=tuple(contributions))


def run_file(name: str, folder: Path, reference: Path, quick: bool) -> Path:
    """Writes the run file, its amplitudes generated."""
    case = CASES[name]
    fragment = folder / "process.yaml"
    command = [sys.executable, "-m", "crosshook", "process", "new", case.process]
    subprocess.run([*command, "--output", str(fragment)], check=True, stdout=subprocess.DEVNULL)
    document = yaml.safe_load(fragment.read_text())
    (options,) = document["process"].values()
    options["channels"] = case.channels
    options["parameters"] = {
        "normalization.alpha_ew": case.alpha,
        "particle.23.mass": M_Z,
        "particle.23.width": WIDTH_Z,
        "particle.24.mass": M_W,
        "particle.24.width": WIDTH_W,
    }
    document |= {
        "beams": {"energy": 13000, "pdf": str(reference / "pdf" / "NNPDF31_nnlo_as_0118_mc")},
        "scales": {"renormalisation": "sum_pt", "factorisation": "sum_pt"},
        "cuts": case.cuts,
        "sampling": {
            "channel_mapping": {"use": "vegas", "options": {"bins": 64}},
            "evaluations": case.evaluations // QUICK if quick else case.evaluations,
        },
        "integrate": {"evaluations": 16384},
        "generate": None,
        "output": {"directory": str(folder / "run"), "report": "none"},
        "seed": SEED,
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(document))
    return path


def measure(name: str, reference: Path, quick: bool) -> list[Record]:
    """Trains, and judges fresh points."""
    case = CASES[name]
    points = case.points // QUICK if quick else case.points
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = run_file(name, folder, reference, quick)
        start = time.process_time()
        crosshook.run(path, output=folder / "run", seed=SEED)
        spent = time.process_time() - start
        sampler = trained(folder / "run")
    if name == "z-jet":
        process = sampler.integrand
        process.matrix_element = corrected(process.matrix_element)
    start = time.process_time()
    weights = fresh(sampler, points, SEED)
    each = (time.process_time() - start) / points
    rng = np.random.default_rng([SEED, 20261123])
    carried = efficiency(weights, "carried-share", 1e-3, RESAMPLES, rng)
    shared = efficiency(weights, "excess-share", 1e-3, RESAMPLES, rng)
    integral = sum(float(w.mean()) for w in weights)
    error = math.sqrt(sum(float(w.var(ddof=1)) / w.size for w in weights))
    passed = sum(np.count_nonzero(w) for w in weights) / points
    sigma, sigma_error, unweighting = case.sherpa
    pull = (integral - sigma) / math.hypot(error, sigma_error)
    found = {
        "cross_section": (integral, error),
        "pull_to_sherpa": (pull, 0.0),
        "eff_sherpa_rule": (
            carried.after_cuts,
            carried.error * carried.after_cuts / carried.value,
        ),
        "eff_0.1pct": (shared.value, shared.error),
        "cut_efficiency": (passed, math.sqrt(passed * (1 - passed) / points)),
        "rsd": (deviation(weights), 0.0),
        "cpu_s_train": (spent, 0.0),
        "us_per_point": (each * 1e6, 0.0),
    }
    ours = [Record(name, "crosshook", m, v, e, points, SEED) for m, (v, e) in found.items()]
    theirs = {"cross_section": (sigma, sigma_error), "eff_sherpa_rule": (unweighting, 0.0)}
    return ours + [Record(name, "sherpa", m, v, e, 0, 0) for m, (v, e) in theirs.items()]


def table(records: list[Record]) -> str:
    """One line for each process and program."""
    found: dict[tuple[str, str], dict[str, Record]] = {}
    for record in records:
        found.setdefault((record.case, record.method), {})[record.metric] = record
    lines = [f"{'case':10} {'':10} {'σ / pb':>18} {'ε, rule of Sherpa':>18} {'ε(0.1 %)':>16}"]
    for (case, method), metrics in found.items():
        sigma, rule = metrics["cross_section"], metrics["eff_sherpa_rule"]
        line = f"{case:10} {method:10} {sigma.value:9.3f} ± {sigma.error:6.3f}"
        line += f" {rule.value:9.3%} ± {rule.error:6.3%}"
        if "eff_0.1pct" in metrics:
            shared = metrics["eff_0.1pct"]
            line += f" {shared.value:7.2%} ± {shared.error:6.2%}"
            line += f"  pull {metrics['pull_to_sherpa'].value:+.1f}"
            line += f", {metrics['us_per_point'].value:.0f} µs a point"
            line += f", trained in {metrics['cpu_s_train'].value:.0f} s"
        lines.append(line)
    return "\n".join(lines)


def main() -> None:
    """Runs all, prints the table and writes the records."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--quick", action="store_true", help="a tenth of all points")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the records")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    options = parser.parse_args()
    if "CROSSHOOK_REFERENCE_DATA" not in os.environ:
        parser.error("CROSSHOOK_REFERENCE_DATA must name the folder that holds pdf/")
    reference = Path(os.environ["CROSSHOOK_REFERENCE_DATA"]).resolve()
    about = machine(PACKAGES)
    records: list[Record] = []
    with one_thread():
        for case in options.cases:
            records += measure(case, reference, options.quick)
            if options.json:
                write(options.json, about, records)
    print(in_words(about))
    print(table(records))


if __name__ == "__main__":
    main()
