"""What a run measures, and that reports of decays say so in every place."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from crosshook.core.cli.progress import describe
from crosshook.core.quantity import CROSS_SECTION, WIDTH, quantity_of
from crosshook.core.report.html import write_html
from crosshook.core.run import run

if TYPE_CHECKING:
    import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "top-decay.yaml"
SMALL = (
    "sampling.evaluations=4000",
    "integrate.evaluations=8000",
    "generate.pilot=4000",
    "generate.events=200",
    "block_size=2048",
    "output.formats=[lhe]",
    "output.report=html",
)


def test_one_incoming_particle_has_a_width() -> None:
    assert quantity_of((6, 0)) == WIDTH
    assert quantity_of((2212, 2212)) == quantity_of((-11, 11)) == CROSS_SECTION
    assert quantity_of((0, 0)) == CROSS_SECTION  # files that leave the beams out


def test_progress_takes_the_quantity() -> None:
    figures = {"sigma": 0.163, "error": 0.001}
    assert describe(figures) == "σ = 0.1630 ± 0.0010 pb"
    assert describe(figures, WIDTH) == "Γ = 0.1630 ± 0.0010 GeV"


def test_a_decay_is_reported_in_gev(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No picobarn anywhere: summary, page, log, inspection of the events."""
    from crosshook.core.cli import main
    from crosshook.core.summary import print_summary

    output = tmp_path / "run"
    result: Any = run(EXAMPLE, settings=SMALL, output=output)
    print_summary(result)
    assert re.search(r"Γ = 0\.1\d+ ± [\d.]+ GeV", capsys.readouterr().out)
    main(["inspect", str(output / "events.lhe")])
    main(["generate", str(output), "--events", "50", "--seed", "3", "--quiet"])
    shown = capsys.readouterr().out
    assert re.search(r"width +0\.1\d+ ± [\d.]+ GeV", shown)
    assert "50 events, Γ = 0.1" in shown
    page = (output / "report.html").read_text("utf-8")
    log = (output / "log.txt").read_text("utf-8")
    for text in (shown, page, log):
        assert not re.search(r"\bpb\b|σ =|cross section</", text)
    # the same from report.json alone
    write_html(json.loads((output / "report.json").read_text("utf-8")), tmp_path / "again.html")
    assert "GeV" in (tmp_path / "again.html").read_text("utf-8")
