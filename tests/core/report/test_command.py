"""`crosshook report` as users call it."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING

import pytest

from crosshook.core.cli import main
from crosshook.core.results import as_json

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.core.results import RunResult


def test_page_is_drawn_from_the_report(
    run_result: RunResult, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its path is printed."""
    integration = dataclasses.replace(
        run_result.integration, histograms=(), running=(), channels=()
    )
    bare = dataclasses.replace(run_result, generation=None, integration=integration)
    (tmp_path / "report.json").write_text(json.dumps(as_json(bare)), encoding="utf-8")
    main(["report", str(tmp_path), "--output", str(tmp_path / "other.html")])
    assert capsys.readouterr().out == f"{tmp_path / 'other.html'}\n"
    assert "474" in (tmp_path / "other.html").read_text(encoding="utf-8")


def test_absent_report_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With the exit code of an unreadable input, and no traceback."""
    with pytest.raises(SystemExit) as caught:
        main(["report", str(tmp_path)])
    assert caught.value.code == 3
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert "report.json: no such file" in error
