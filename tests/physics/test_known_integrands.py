"""VEGAS on twenty known integrands: estimates within their errors, errors as large as the scatter."""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch

from crosshook.core.context import BuildContext
from crosshook.core.interfaces.training import Budget
from crosshook.core.registry import default_registry
from crosshook.core.sampling.sampler import Sampler, even_shares
from crosshook.core.sampling.source import SamplerSource
from crosshook.core.sampling.sums import Sums

if TYPE_CHECKING:
    from crosshook.core.interfaces.channel_mapping import ChannelMapping
    from crosshook.core.interfaces.channel_weights import ChannelWeights

pytestmark = pytest.mark.physics

TRAINING, POINTS, SEEDS = 10_000, 10_000, 4
SIGMAS = 5.0


def _known() -> dict[str, Any]:
    """The integrands, shared with the script of long runs and so no part of a package."""
    path = Path(__file__).with_name("known_integrands.py")
    spec = importlib.util.spec_from_file_location("known_integrands", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return cast("dict[str, Any]", module.ALL)


KNOWN = _known()


def pulls(name: str) -> np.ndarray:
    """(estimate - integral)/error of independent trainings and integrations."""
    known = KNOWN[name]
    registry = default_registry()
    context = BuildContext(dimensions=known.n_dim, channels=1)
    shares = even_shares(1)
    found = []
    for seed in range(SEEDS):
        mapping = registry.build("channel_mapping", "vegas", context)
        weights = registry.build("channel_weights", "prior", context)
        sampler = Sampler(
            known,
            cast("ChannelMapping", mapping),
            cast("ChannelWeights", weights),
            torch.device("cpu"),
        )
        with torch.no_grad():
            mapping.fit(SamplerSource(sampler, seed), Budget(TRAINING), context)  # type: ignore[attr-defined]
            sample = sampler.draw(seed, "integrate", 0, POINTS, shares)
        estimate = Sums.of(sample.channel, sample.weight, 1).estimate()
        distance = estimate.value - known.integral
        # A sampler without spread has no error but rounding.
        found.append(distance / max(estimate.error, 1e-12 * abs(known.integral)))
    return np.array(found)


@pytest.fixture(scope="module")
def found() -> dict[str, np.ndarray]:
    """Pulls of every integrand, `(SEEDS,)` each."""
    return {name: pulls(name) for name in KNOWN}


def test_there_are_twenty() -> None:
    """From two to fifteen dimensions."""
    assert len(KNOWN) == 20
    assert {k.n_dim for k in KNOWN.values()} >= {2, 15}


@pytest.mark.parametrize("name", KNOWN)
def test_integral(name: str, found: dict[str, np.ndarray]) -> None:
    """The mean of the pulls has an error of 1/√SEEDS, each one of 1.

    Weights with heavy tails make pulls skew: an estimate that has missed large weights is low and
    so is its error. 5σ leaves room for that at these numbers of points.
    """
    pull = found[name]
    assert abs(pull.mean()) < SIGMAS / math.sqrt(SEEDS)
    assert np.abs(pull).max() < SIGMAS


def test_width(found: dict[str, np.ndarray]) -> None:
    """All pulls together scatter by 1, within the error of that from their own fourth moment."""
    pull = np.concatenate(list(found.values()))
    width = math.sqrt(np.mean(pull**2))
    error = np.std(pull**2, ddof=1) / math.sqrt(pull.size) / (2 * width)
    assert abs(width - 1) < SIGMAS * error
    assert error < 0.15, "too few pulls to tell"
