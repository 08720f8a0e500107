"""The example of the documentation: its detector, its run file, its events."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.core.cli import main

if TYPE_CHECKING:
    import pytest

HOME = Path(__file__).parents[3] / "examples" / "transfer"
EVENTS = Path(__file__).parents[2] / "data" / "lhe" / "madgraph_ee_mumu.lhe.gz"
SMALL = ("epochs=1", "acceptance_epochs=1", "components=2", "bins=3")


def _code(words: list[str]) -> int:
    try:
        main(words)
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_example_trains_and_simulates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for file in HOME.iterdir():
        if file.suffix in (".py", ".yaml"):
            shutil.copy(file, tmp_path)
    monkeypatch.setattr("sys.argv", ["detector.py", "2000"])
    runpy.run_path(str(tmp_path / "detector.py"), run_name="__main__")
    output = str(tmp_path / "trained")
    settings = [word for s in SMALL for word in ("--set", f"transfer.options.{s}")]
    for words in (
        ["transfer", "train", str(tmp_path / "muon.yaml"), "--output", output, *settings],
        ["transfer", "evaluate", output, str(tmp_path / "paired.parquet")],
        ["simulate", str(EVENTS), str(tmp_path / "reco.parquet"), "--transfer", output],
    ):
        assert _code(words) == 0, words
    assert (tmp_path / "trained" / "report.html").is_file()
    assert (tmp_path / "reco.parquet").is_file()
