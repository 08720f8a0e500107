"""A run that closes channels, and one whose channels share a mapping: to events, and more events."""

from __future__ import annotations

from pathlib import Path

import pytest

from crosshook.core.errors import ConfigurationError
from crosshook.core.more_events import generate
from crosshook.core.run import run
from crosshook.core.run_directory import RunDirectory
from crosshook.core.sampling.saved import open_sampler

TTBAR = Path(__file__).parents[2] / "examples" / "ttbar-flow.yaml"
SETTINGS = (
    "sampling.channel_mapping={use: flow, options: {hidden: 8, bins: 6}}",
    "sampling.channel_weights=prior",
    "sampling.evaluations=4000",
    "sampling.training={rounds: 2, passes: 4, drop_channels: 0.4}",
    "integrate={evaluations: 30000, relative_error: 1.0e-6}",
    "generate={events: 200, pilot: 8000}",
    "variations.scales=none",
    "output.formats=[lhe]",
    "output.report=none",
    "block_size=4000",
)


def test_closed_channels_and_groups(tmp_path: Path) -> None:
    """Without its two smaller channels pp → tt̄ has the same σ; these have no points anywhere."""
    first = run(
        TTBAR, settings=(*SETTINGS, "sampling.groups=[0, 1, 1]"), output=tmp_path / "closed"
    )
    plain = run(
        TTBAR,
        settings=(*SETTINGS, "sampling.channel_mapping=vegas", "generate=null"),
        output=tmp_path / "plain",
    )
    one, two = first.integration, plain.integration
    difference = abs(one.cross_section - two.cross_section)
    assert difference < 5 * (one.error**2 + two.error**2) ** 0.5
    place = RunDirectory(tmp_path / "closed")
    composition = place.read_json(place.composition)
    closed = composition["closed"]
    assert len(closed) in (1, 2)
    assert composition["groups"] == [0, 1, 1]
    for c, channel in enumerate(one.channels):
        assert (channel.points == 0) == (channel.share == 0) == (c in closed)
    assert any("channels closed" in note for note in first.training.notes)
    assert first.generation is not None
    assert first.generation.events == 200
    more = generate(tmp_path / "closed", events=50, seed=77)
    assert more.events == 50
    assert abs(more.cross_section - two.cross_section) < 5 * (more.error**2 + two.error**2) ** 0.5
    shares = open_sampler(tmp_path / "closed").shares
    assert [c for c in range(3) if shares[c] == 0] == closed


def test_groups_of_the_wrong_length(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigurationError,
        match=r"sampling\.groups: 2 entries for 3 channels: flat, t-pole, u-pole",
    ):
        run(TTBAR, settings=(*SETTINGS, "sampling.groups=[0, 0]"), output=tmp_path / "run")
    assert not (tmp_path / "run").exists()
