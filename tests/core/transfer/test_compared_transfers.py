"""Transfer functions side by side."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import InputError
from crosshook.core.report.side_by_side import compare

if TYPE_CHECKING:
    from pathlib import Path


def test_transfer_functions_are_compared_side_by_side(trained: Path, tmp_path: Path) -> None:
    """Those of the same columns, whose densities have the same unit."""
    document = json.loads((trained / "report.json").read_text("utf-8"))
    document["configuration"]["seed"] = 99
    other = tmp_path / "other"
    other.mkdir()
    (other / "report.json").write_text(json.dumps(document), "utf-8")
    text = compare([trained, other], tmp_path / "page.html").read_text("utf-8")
    assert "2 transfer functions side by side" in text
    assert ">mean of log T<" in text
    assert ">seed<" in text
    document["reco"] = ["mass"]
    (other / "report.json").write_text(json.dumps(document), "utf-8")
    with pytest.raises(InputError, match="transfer functions of different quantities"):
        compare([trained, other], tmp_path / "page.html")
