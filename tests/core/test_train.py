"""Training through the stage: when it is skipped, what it reports, and NaN on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.core.component import Slot
from crosshook.core.errors import NumericalError
from crosshook.core.progress import Silent
from crosshook.core.registry import default_registry
from crosshook.core.sampling.build import build_sampler
from crosshook.core.statistics import chi_squared
from crosshook.core.train import train


def _train(of: Any, sampler: Any = None, **changes: Any) -> Any:
    config = replace(of.config, **changes)
    if sampler is None:
        sampler = build_sampler(config, of.process, default_registry(), {})
    heard: list[Any] = []
    result, shares = train(config, sampler, Silent(), heard.append)
    return result, shares, heard, sampler


def test_what_it_reports(drell_yan: Any) -> None:
    result, shares, heard, sampler = _train(drell_yan)
    assert result.evaluations == 4000
    assert not result.skipped
    assert list(result.iterations) == heard
    assert [i.evaluations for i in heard] == [400] * 10
    expected = chi_squared(
        np.array([i.estimate for i in heard]), np.array([i.error for i in heard])
    )
    assert (result.chi_squared, result.degrees_of_freedom) == expected
    assert float(shares.sum()) == pytest.approx(1.0)
    assert not torch.equal(shares, torch.full_like(shares, 0.5))
    assert result.notes == ()
    assert (sampler.mapping.edges.diff(dim=2) > 0).all()


def test_the_same_seed_trains_the_same(drell_yan: Any) -> None:
    one, two, other = _train(drell_yan), _train(drell_yan), _train(drell_yan, seed=5)
    assert torch.equal(one[3].mapping.edges, two[3].mapping.edges)
    assert one[0].iterations == two[0].iterations
    assert not torch.equal(one[3].mapping.edges, other[3].mapping.edges)


def test_what_skips_it(drell_yan: Any) -> None:
    saved = str(drell_yan.directory.model("channel_mapping"))
    options = drell_yan.config.channel_mapping.options
    for changes, note in (
        ({"channel_mapping": Slot("uniform")}, "uniform needs no training"),
        ({"channel_mapping": Slot("vegas", options, saved)}, "saved model"),
        ({"train_evaluations": 0}, "untrained: sampling.evaluations is 0"),
    ):
        result, shares, heard, _ = _train(drell_yan, **changes)
        assert result.skipped
        assert result.notes == (note,)
        assert (result.evaluations, result.iterations, heard) == (0, (), [])
        assert shares.tolist() == [0.5, 0.5]


def test_a_saved_model_trains_on_if_told(drell_yan: Any) -> None:
    saved = str(drell_yan.directory.model("channel_mapping"))
    slot = Slot("vegas", drell_yan.config.channel_mapping.options, saved, {})
    result, _, _, _ = _train(drell_yan, channel_mapping=slot)
    assert not result.skipped
    assert result.evaluations == 4000


class Fitted:
    """SometimesNan with a training of its own."""

    def __init__(self, broken: Any) -> None:
        self.forward, self.fit = broken.forward, broken.inner.fit


def test_few_invalid_points_are_told(drell_yan: Any, broken_spec: Any) -> None:
    sampler = broken_spec(drell_yan, 0.1).sampler()
    fresh = build_sampler(drell_yan.config, drell_yan.process, default_registry(), {})
    sampler.mapping.inner = fresh.mapping
    sampler.mapping = Fitted(sampler.mapping)
    result, _, _, _ = _train(drell_yan, sampler, max_invalid_fraction=0.1)
    (note,) = result.notes
    assert "of 4000 points had NaN or infinite weight and were left out; the first: train" in note
    assert "momenta (E, px, py, pz in GeV)" in note
    with pytest.raises(NumericalError, match=r"the first: train draw 0, point .* momenta"):
        _train(drell_yan, sampler, max_invalid_fraction=1e-3)
