"""Building a run's sampler: from data that travels, with the process's defaults, on one device."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from crosshook.core.config import resolve
from crosshook.core.errors import ConfigurationError
from crosshook.core.registry import default_registry
from crosshook.core.run_document import read_run_file
from crosshook.core.sampling.build import (
    SamplerSpec,
    build_process,
    build_sampler,
    check_device,
)
from crosshook.core.sampling.sampler import even_shares

EXAMPLES = Path(__file__).parents[3] / "examples"
NAMES = ["ttbar", "drell-yan", "ee-mumu"]


def _config(name: str, *settings: str) -> Any:
    document, where = read_run_file(EXAMPLES / f"{name}.yaml", settings)
    return resolve(document, where, default_registry())


def test_a_specification_travels_and_builds_the_same(drell_yan: Any) -> None:
    spec = drell_yan.spec
    there = pickle.loads(pickle.dumps(spec))
    assert there == spec
    assert there.config() == drell_yan.config
    assert json.loads(spec.document) == json.loads(json.dumps(drell_yan.config.document))
    shares = drell_yan.frozen.shares
    rebuilt = build_sampler(
        drell_yan.config,
        drell_yan.process,
        default_registry(),
        {name: path for name, path, _ in spec.models},
    )
    one, two = (s.draw(1, "test", 0, 300, shares) for s in (there.sampler(), rebuilt))
    assert torch.equal(one.weight, two.weight)
    assert there.sampler() is spec.sampler()
    assert there.unweighter() is spec.unweighter()


def test_trained_and_untrained_differ(drell_yan: Any) -> None:
    untrained = SamplerSpec.of(drell_yan.config, {}).sampler()
    shares = drell_yan.frozen.shares
    one, two = (s.draw(1, "test", 0, 300, shares) for s in (drell_yan.spec.sampler(), untrained))
    assert torch.equal(one.r, two.r)
    assert not torch.equal(one.u, two.u)
    assert torch.equal(two.r, two.u)


def test_the_process_fills_what_the_run_file_leaves_out() -> None:
    config = _config("drell-yan", "beams={pdf: ToyLH_LO}", "scales={}", "cuts={m_max: 100}")
    process = build_process(config, default_registry())
    assert (process.beams.energy, process.beams.pdg) == (13000.0, (2212, 2212))
    u = torch.rand(200, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    points = process.evaluate_points(u, torch.zeros(200, dtype=torch.int64)).points
    total = points.momenta[:, 2:].sum(1)
    mass = torch.sqrt(total[:, 0] ** 2 - total[:, 1:].square().sum(1))
    # m_min of the process, m_max of the run file; scales are the process's own, m_ℓℓ.
    assert 66 <= float(mass.min()) < 68
    assert 98 < float(mass.max()) <= 100
    torch.testing.assert_close(points.mu_r, mass, rtol=1e-9, atol=0)


def test_devices() -> None:
    assert check_device("cpu") == torch.device("cpu")
    for device in ("toaster", "cuda:99", ""):
        with pytest.raises(ConfigurationError, match=r"^device: '.*' cannot be used here: "):
            check_device(device)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_lands_on_the_default_device(name: str) -> None:
    """Built and run with `meta` as the default: a tensor without a device would fail."""
    config = _config(name)
    registry = default_registry()

    def draw() -> torch.Tensor:
        process = build_process(config, registry)
        sampler = build_sampler(config, process, registry, {})
        k = sampler.n_channels
        return sampler.draw(1, "test", 0, 200, even_shares(k)).weight

    expected = draw()
    torch.set_default_device("meta")
    try:
        found = draw()
    finally:
        torch.set_default_device(None)
    assert found.device.type == "cpu"
    assert torch.equal(found, expected)
    assert (expected > 0).any()


def test_blocks_under_another_default_device(drell_yan: Any, tmp_path: Path) -> None:
    """Whole blocks of integration and generation likewise, events and variations included."""
    from crosshook.core.generate import event_block
    from crosshook.core.integrate import weighted_block

    shares, specs = drell_yan.frozen.shares, drell_yan.frozen.histograms
    spec = replace(drell_yan.spec)
    torch.set_default_device("meta")
    try:
        block = weighted_block(spec, 1, "integrate", 0, 300, shares, specs, keep_weights=True)
        bare = weighted_block(spec, 1, "integrate", 0, 300, shares, (), keep_weights=False)
        events = event_block(spec, 1, 0, 300, shares, str(tmp_path))
    finally:
        torch.set_default_device(None)
    assert block.weight.shape == block.channel.shape == (300,)
    assert bare.weight.shape == bare.channel.shape == (0,)
    assert events.kept > 0
