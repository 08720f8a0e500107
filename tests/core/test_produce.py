"""Production: the figures of a generation agree with its sums, its files and each other."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import numpy as np
import pytest
import torch

from crosshook.core.events.files import open_events
from crosshook.core.produce import Frozen


def test_what_was_settled_survives_json(finished: Any) -> None:
    frozen = finished.frozen
    back = Frozen.from_json(json.loads(json.dumps(frozen.as_json())))
    assert np.array_equal(back.maxima, frozen.maxima)
    assert torch.equal(back.shares, frozen.shares)
    for name, column in vars(frozen.sums).items():
        assert np.array_equal(getattr(back.sums, name), column)
        assert getattr(back.sums, name).dtype == column.dtype
    assert (back.histograms, back.notes, back.pilot) == (
        frozen.histograms,
        frozen.notes,
        frozen.pilot,
    )


def test_shares_follow_the_maxima(finished: Any) -> None:
    frozen = finished.frozen
    expected = frozen.maxima / frozen.maxima.sum()
    # The floor of a thousandth of an even share changes the others by as little.
    np.testing.assert_allclose(frozen.shares.numpy(), expected, atol=2e-3)
    assert float(frozen.shares.sum()) == pytest.approx(1.0, rel=1e-12)


def test_the_figures(finished: Any) -> None:
    generation = finished.result.generation
    integration = finished.result.integration
    assert generation.events == 400
    assert generation.pilot == finished.frozen.pilot == 2000
    assert generation.evaluations % 500 == 0
    kept = generation.events + generation.surplus
    assert generation.efficiency == pytest.approx(kept / generation.evaluations)
    assert sum(p.cross_section for p in generation.processes) == pytest.approx(
        generation.cross_section, rel=1e-12
    )
    assert finished.frozen.sums.n == integration.evaluations + generation.pilot
    assert generation.error < integration.error
    assert abs(generation.cross_section - integration.cross_section) < 5 * integration.error
    assert generation.notes == ()
    assert generation.rule == ("maxima by rule excess-share from 2000 points",)
    names = [v.text for v in generation.variations]
    assert len(names) == (7 if finished.config.scale_variations else 0)


def test_the_file(finished: Any) -> None:
    generation = finished.result.generation
    (file,) = generation.files
    path = finished.directory.path / file.name
    data = path.read_bytes()
    assert (file.name, file.bytes) == ("events.lhe", len(data))
    assert file.sha256 == hashlib.sha256(data).hexdigest()
    with open_events(path) as stream:
        weight = np.concatenate([b.event["weight"] for b in stream])
    assert weight.mean() == pytest.approx(generation.cross_section, rel=1e-12)
    assert not finished.directory.parts.exists()


def test_labels(drell_yan: Any) -> None:
    labels = {p.process_id: p.label for p in drell_yan.result.generation.processes}
    assert labels[1] == "u u~ > e- e+, c c~ > e- e+"
    assert labels[2].startswith("d d~ > e- e+, s s~")
