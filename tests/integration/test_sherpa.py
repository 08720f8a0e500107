"""Sherpa from its wheel on PyPI: Z + 1 jet from a card, through the unweighter, with Sherpa's own σ."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import crosshook
from crosshook.core.events.batch import EventBatch
from crosshook.core.events.files import open_events
from crosshook.core.inspect import inspect_file

if TYPE_CHECKING:
    from tests.integration.conftest import Environments

pytestmark = pytest.mark.integration
EXAMPLES = Path(__file__).parents[2] / "examples"
QUICK = "\nPSI: {ITMIN: 1000, NOPT: 9}\n"
"""A short integration: 0.7 % instead of 0.2 %."""
REFERENCE = (239.24, 0.43)
"""σ in pb of the same set-up, integrated by Sherpa 3.0.3 at length."""


@pytest.mark.parametrize("mode", ["PartiallyUnweighted", "Weighted"])
def test_z_and_a_jet(
    environments: Environments, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    """Events of one weight; σ within errors of Sherpa's integral and of a longer one."""
    wheel = environments.wheel("sherpa-mc==3.0.3b2", "3.12", "manylinux_2_34_x86_64")
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    monkeypatch.delenv("LHAPDF_DATA_PATH", raising=False)
    (wheel / "bin" / "Sherpa").chmod(0o755)
    Path("Sherpa.yaml").write_text((EXAMPLES / "sherpa" / "Sherpa.yaml").read_text() + QUICK)
    settings = [
        "generator.options.card=Sherpa.yaml",
        f"generator.options.binary={wheel / 'bin' / 'Sherpa'}",
        f"generator.options.mode={mode}",
        "generate.events=4000",
        "output.report=none",
    ]
    run_file = EXAMPLES / "sherpa-zjet.yaml"
    result = crosshook.run(run_file, settings=settings, output=tmp_path / "run")
    program, generation = result.generator, result.generation
    assert program is not None
    assert generation is not None
    assert program.program == "Sherpa 3.0.3"
    assert result.process == "93 93 -> 11 -11 93"
    sigma, error = generation.cross_section, generation.error
    assert 0 < program.error < 0.02 * program.cross_section
    assert abs(sigma - program.cross_section) < 5 * math.hypot(error, program.error)
    assert abs(sigma - REFERENCE[0]) < 5 * math.hypot(error, REFERENCE[1])
    assert error < 0.05 * sigma

    path = tmp_path / "run" / "events.lhe.gz"
    with open_events(path) as stream:
        events = EventBatch.concatenate(list(stream))
    weight = np.asarray(events.event["weight"])
    assert len(events) == 4000
    assert weight.mean() == pytest.approx(sigma, rel=1e-9)
    assert np.count_nonzero(weight > weight.min() * (1 + 1e-9)) == generation.overweights
    # the rule lets Σ|w| exceed by 0.001 in the first batch
    assert generation.overweight_share < 0.005
    inspected = inspect_file(path)
    assert inspected.cross_section_pb == pytest.approx(sigma, rel=1e-6)
    assert inspected.cross_section_error_pb == pytest.approx(error, rel=1e-6)
    # the cuts of the card hold event by event
    assert _mass(events).min() > 66.0
    assert (tmp_path / "run" / "generator" / "Results.zip").is_file()


def _mass(events: EventBatch) -> np.ndarray:
    """Mass of the two leptons of each event in GeV."""
    from crosshook.core.events.event_expression import EventExpression

    return EventExpression.quantity("mll", events.info, "mass").values(events)
