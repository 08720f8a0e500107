"""Parton level: truth from event files of their own, paired with reconstructed events by number."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.core.errors import ConfigurationError, InputError
from crosshook.core.events.event_expression import EventExpression
from crosshook.core.events.files import open_events
from crosshook.core.unfolding.run import unfold
from crosshook.core.unfolding.run_file import Flags, load_unfold_file
from crosshook.core.unfolding.sample import Sample, read_sample
from tests.core.unfolding import small_files

if TYPE_CHECKING:
    from numpy.typing import NDArray

LHE = Path(__file__).parents[2] / "data" / "lhe" / "sherpa_wjj.lhe.gz"
EVENTS = 40
QUANTITY = "m[lepton[0], neutrino[0]]"
TRUTH = (
    f"simulation.truth.file={LHE}",
    f"simulation.truth.columns={{mw: '{QUANTITY}'}}",
    "simulation.truth.weight=1",
)


def partons() -> NDArray[np.float64]:
    """The quantity of each event."""
    with open_events(LHE) as opened:
        expression = EventExpression.quantity(QUANTITY, opened.info, "test")
        return np.concatenate([expression.values(batch) for batch in opened])


def files(folder: Path, number: NDArray[np.int64]) -> tuple[Path, Path]:
    """Reconstructed events of these numbers in this order, and measured ones."""
    truth = partons()
    reco = np.where(number >= 0, truth[number % EVENTS] + 1.0, 70.0)
    columns = {"event": number, "reco_mw": reco, "weight": np.full(len(number), 3.0)}
    data = {"reco_mw": truth + 1.5}
    return (
        small_files.write(folder / "simulation.parquet", columns),
        small_files.write(folder / "measured.parquet", data),
    )


def read(folder: Path, number: NDArray[np.int64], *settings: str) -> Sample:
    simulation, measured = files(folder, number)
    flags = Flags(simulation, measured, settings=(*TRUTH, *settings))
    return read_sample(load_unfold_file(None, flags))


NUMBERS = np.array([*range(EVENTS - 1, 9, -1), -1, -1])
"""Backwards, the first ten are missed, and two belong to no truth."""


def test_pairs(tmp_path: Path) -> None:
    made = read(tmp_path, NUMBERS).inputs.simulation
    truth = partons()
    assert len(made.weight) == EVENTS + 2
    assert made.has_truth.tolist() == [True] * EVENTS + [False] * 2
    assert made.has_reco.tolist() == [False] * 10 + [True] * 32
    np.testing.assert_allclose(made.truth.dense[:EVENTS, 0], truth)
    np.testing.assert_allclose(made.reco.dense[10:EVENTS, 0], truth[10:] + 1.0)
    assert made.reco.dense[EVENTS:, 0].tolist() == [70.0, 70.0]
    assert made.weight.tolist() == [1.0] * EVENTS + [3.0] * 2


def test_a_fiducial_region(tmp_path: Path) -> None:
    """Reconstructed events whose partons are outside are fakes; the others outside do not exist."""
    middle = float(np.median(partons()))
    made = read(tmp_path, NUMBERS, f"simulation.pass_truth={QUANTITY} > {middle}").inputs
    inside = partons() > middle
    simulation = made.simulation
    assert int(simulation.has_truth.sum()) == inside.sum()
    assert int((simulation.has_reco & ~simulation.has_truth).sum()) == (~inside[10:]).sum() + 2
    assert len(simulation.weight) == EVENTS + 2 - (~inside[:10]).sum()


@pytest.mark.parametrize(
    ("number", "words"),
    [
        ([*range(20), EVENTS], "row 20: event is 40; .* 0 to 39"),
        ([*range(20), 3], "row 3: event 3 is there twice"),
    ],
    ids=["too large", "twice"],
)
def test_numbers_that_pair_nothing(number: list[int], words: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=words):
        read(tmp_path, np.array(number))


def test_what_is_missing(tmp_path: Path) -> None:
    simulation, measured = files(tmp_path, NUMBERS)
    with pytest.raises(ConfigurationError, match=r"simulation.truth.columns: needed"):
        load_unfold_file(None, Flags(simulation, measured, settings=TRUTH[:1]))
    with pytest.raises(InputError, match="no column 'number'"):
        read(tmp_path, NUMBERS, "simulation.truth.event=number")
    with pytest.raises(InputError, match=r"event 0: mw is nan; .* pass_truth"):
        read(tmp_path, NUMBERS, "simulation.truth.columns={mw: 'm[top[0]]'}")


def test_to_parton_level(tmp_path: Path) -> None:
    simulation, measured = files(tmp_path, NUMBERS)
    report = unfold(
        simulation=simulation,
        measured=measured,
        method="ibu",
        settings=(*TRUTH, "unfolder.options.bins=2", "output.report=none"),
        output=tmp_path / "out",
    )
    # 30 of 40 are seen, 6 of 36 weights at detector level are fakes.
    assert report.total == pytest.approx(EVENTS * (30 / 36) * (40 / 30), rel=0.2)
    assert report.truth == ("mw",)
