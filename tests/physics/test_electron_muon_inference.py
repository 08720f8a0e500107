"""sin²θ_W from e+e- -> μ+μ-: MadGraph's own reweighting, and the matrix-element method by quadrature.

MadGraph's events at 1 TeV are an independent sample: they are smeared and cut here.
"""

from __future__ import annotations

import gzip
import math
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from crosshook.adapters.processes import make_ee_mumu
from crosshook.core.context import BuildContext
from crosshook.core.inference.integrals import IntegralSettings, integrate_events
from crosshook.core.inference.model import reference_theta
from crosshook.core.inference.proposal import EventProposal
from crosshook.core.inference.scattering_model import ScatteringModel
from crosshook.core.interfaces.features import Features
from crosshook.core.interfaces.process import BeamSetup
from crosshook.core.process.scattering import ScatteringProcess
from crosshook.core.progress import Silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

pytestmark = pytest.mark.physics

EXCERPT = Path(__file__).parents[1] / "data" / "lhe" / "madgraph_ee_mumu.lhe.gz"
ALPHA, SIN2, MASS, WIDTH = 1 / 132.507, 0.222246486, 91.188, 2.441404
ENERGY, ETA_MAX = 1000.0, 2.5
FERMI = 1.16639e-5
"""G_F of the file: MadGraph computes m_W, and sin²θ_W, from it, α and M_Z."""
PICOBARN = 0.3893793721e9
ROUNDING = 5e-7
"""MadGraph writes momenta with eleven digits and weights with eight; 2.6e-7 is the largest seen."""
SMEAR_ETA, SMEAR_PHI = 0.3, 0.4
WRAPS = 2


class Detector:
    """Smears η and φ; events at large |η| are lost."""

    def log_acceptance(self, truth: Features) -> torch.Tensor:
        """A smooth edge at 2."""
        return torch.nn.functional.logsigmoid((2.0 - truth.dense[:, 0].abs()) / 0.2)

    def log_prob(self, reco: Features, truth: Features) -> torch.Tensor:
        """Normal in η, wrapped normal in φ."""
        away = (reco.dense - truth.dense).T
        line = -0.5 * (away[0] / SMEAR_ETA) ** 2
        turns = [
            -0.5 * ((away[1] + 2 * math.pi * k) / SMEAR_PHI) ** 2 for k in range(-WRAPS, WRAPS + 1)
        ]
        circle = torch.logsumexp(torch.stack(turns), dim=0)
        return line + circle - math.log(2 * math.pi * SMEAR_ETA * SMEAR_PHI)

    def sample(self, truth: Features, n_draws: int, rng: torch.Generator) -> Features:
        """One draw after the other."""
        z = truth.dense.repeat_interleave(n_draws, dim=0)
        kick = torch.randn(z.shape, generator=rng, dtype=torch.float64)
        x = z + kick * z.new_tensor([SMEAR_ETA, SMEAR_PHI])
        x[:, 1] = torch.remainder(x[:, 1] + math.pi, 2 * math.pi) - math.pi
        return Features(x, ("eta", "phi"), ("", "rad"))


def events(path: Path) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Momenta `(n, 4, 4)`, weights `(n,)` and MadGraph's ten further weights `(n, 10)`."""
    momenta, weight, others = [], [], []
    text = gzip.decompress(path.read_bytes()).decode()
    for event in text.split("<event>")[1:]:
        first, *legs = event.strip().split("\n")[:5]
        weight.append(float(first.split()[2]))
        columns = [[float(word) for word in leg.split()] for leg in legs]
        momenta.append([[leg[9], *leg[6:9]] for leg in columns])
        others.append([float(word) for word in re.findall(r"<wgt[^>]*>([^<]*)</wgt>", event)])
    return tuple(torch.tensor(x, dtype=torch.float64) for x in (momenta, weight, others))  # type: ignore[return-value]


def reference_file() -> Path:
    """All 10,000 events."""
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if folder is None:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set")
    return Path(folder) / "lhe" / "madgraph" / "ee_mumu.lhe.gz"


@pytest.mark.parametrize("whole", [False, True], ids=["excerpt", "reference data"])
def test_weights_of_madgraph(whole: bool) -> None:
    """Ten values of 1/α, each with the sin²θ_W that it implies: |M|²(θ')/|M|²(θ) event by event."""
    momenta, weight, others = events(reference_file() if whole else EXCERPT)
    element = scattering().matrix_element
    one = torch.ones(len(weight), dtype=torch.float64)

    def squared(inverse: float) -> torch.Tensor:
        mass_w2 = MASS**2 / 2 + math.sqrt(
            MASS**4 / 4 - math.pi / inverse * MASS**2 / (FERMI * math.sqrt(2))
        )
        theta = torch.tensor([[inverse, 1 - mass_w2 / MASS**2, MASS, WIDTH]], dtype=torch.float64)
        return element.squared(momenta, 0, one, theta).value

    for column, found in enumerate(others.T):
        wanted = weight * squared(100.0 + 10.0 * column) / squared(132.507)
        assert (wanted / found - 1).abs().max() < ROUNDING


def scattering() -> ScatteringProcess:
    """The process at 1 TeV within the cuts of the file."""
    process = make_ee_mumu(
        BuildContext(),
        alpha_qed_inverse=1 / ALPHA,
        sin2_theta_w=SIN2,
        mass_z=MASS,
        width_z=WIDTH,
    )
    scales = {"renormalisation": "mll", "factorisation": "mll"}
    beams = BeamSetup(ENERGY, (-11, 11), hadronic=False)
    return ScatteringProcess(
        process, beams, None, scales, {"eta_max": ETA_MAX}, 0.118, torch.device("cpu")
    )


def model() -> ScatteringModel:
    """The detector is told η and φ of the µ+."""
    return ScatteringModel(scattering(), {"eta": "eta[0]", "phi": "phi[0]"}, {}, {}, 0, seed=1)


def by_quadrature(
    eta: NDArray[np.float64], sin2: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """∫ dσ ε T at measured η, `(n, t)`, and σ_fid, `(t,)`, in pb, from the closed form of dσ/dcosθ.

    dσ does not depend on φ, and T integrates to 1 over it: 1/2π is left.
    """
    node, weight = np.polynomial.legendre.leggauss(400)
    x, weight = ETA_MAX * node, ETA_MAX * weight
    c = np.tanh(x)
    s = ENERGY**2
    propagator = 1 / (sin2 * (1 - sin2)) / (s - MASS**2 + 1j * MASS * WIDTH)

    def chirality(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = np.abs(1 / s + a * b * propagator) ** 2
        return found

    left, right = sin2 - 0.5, sin2
    common = (4 * math.pi * ALPHA) ** 2 * s / 4 * PICOBARN / (32 * math.pi)
    like = chirality(left, left) + chirality(right, right)
    unlike = 2 * chirality(left, right)
    density = np.outer((1 + c) ** 2, like) + np.outer((1 - c) ** 2, unlike)
    density *= common * (weight * (1 - c * c) / (1 + np.exp((np.abs(x) - 2.0) / 0.2)))[:, None]
    line = np.exp(-0.5 * ((eta[:, None] - x) / SMEAR_ETA) ** 2)
    line /= SMEAR_ETA * math.sqrt(2 * math.pi)
    return line @ density / (2 * math.pi), density.sum(axis=0)


def seen(path: Path, seed: int) -> Features:
    """MadGraph's events as the detector shows them."""
    momenta, _, _ = events(path)
    p = momenta[:, 2]
    eta = torch.asinh(p[:, 3] / p[:, 1:3].norm(dim=1))
    truth = Features(
        torch.stack([eta, torch.atan2(p[:, 2], p[:, 1])], dim=1), ("eta", "phi"), ("", "rad")
    )
    rng = torch.Generator().manual_seed(seed)
    detector = Detector()
    drawn = torch.rand(len(eta), generator=rng, dtype=torch.float64)
    kept = drawn < torch.exp(detector.log_acceptance(truth))
    return detector.sample(truth.select(kept), 1, rng)


def test_integrals_of_events() -> None:
    """The pipeline's integrals against the quadrature, within 5σ of their own errors."""
    reco = seen(EXCERPT, 3)
    sin2 = torch.tensor([0.15, SIN2, 0.3], dtype=torch.float64)
    theta = reference_theta(model()).repeat(len(sin2), 1)
    theta[:, 1] = sin2
    settings = IntegralSettings(4096, 8, "sobol", 1)
    found = integrate_events(
        model(),
        (Detector(),),
        EventProposal(None, None),
        reco,
        theta,
        settings,
        Silent(),
        keep=False,
    )
    wanted, _ = by_quadrature(reco.dense[:, 0].numpy(), sin2.numpy())
    pull = (torch.exp(found.log_value[0]) / torch.from_numpy(wanted) - 1) / found.relative_error
    assert found.relative_error.max() < 0.05
    # eight replicas: Student's t with 7 degrees of freedom has 5σ at 13
    assert pull.abs().max() < 13.0
    assert pull.square().mean() < 4.0


def test_madgraphs_events_have_their_angle() -> None:
    """10,000 events of another program: the best sin²θ_W is theirs within 4σ."""
    reco = seen(reference_file(), 4)
    sin2 = np.linspace(0.15, 0.3, 61)
    value, fiducial = by_quadrature(reco.dense[:, 0].numpy(), sin2)
    summed = np.log(value / fiducial).sum(axis=0)
    assert 2 * (summed.max() - np.interp(SIN2, sin2, summed)) < 16.0
    assert 2 * (summed.max() - summed[[0, -1]].max()) > 16.0
