"""`crosshook reproduce`: the same again, or what differs; damaged runs are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
import yaml

from crosshook.core.cli import main
from crosshook.core.errors import InputError, OutputError
from crosshook.core.provenance import versions
from crosshook.core.reproduce import reproduce
from crosshook.core.run import run

if TYPE_CHECKING:
    from pathlib import Path

RUN = {
    "process": "ee-mumu",
    "sampling": {"evaluations": 2000},
    "integrate": {"evaluations": 2000},
    "generate": {"events": 200, "pilot": 1000},
    "block_size": 500,
    "output": {"formats": ["lhe.gz", "root"], "report": "none"},
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduce")
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(RUN), "utf-8")
    run(path, output=folder / "run")
    return folder / "run"


def test_the_same_comes_out(finished: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """ROOT files carry a date and are compared event by event."""
    main(["reproduce", str(finished), "--overwrite", "--json"])
    found = json.loads(capsys.readouterr().out)
    verdicts = {output["name"]: output["verdict"] for output in found["outputs"]}
    assert found["same"]
    assert found["changes"] == []
    assert verdicts["events.lhe.gz"] == "same"
    assert verdicts["events.root"] in ("same", "same events")
    assert verdicts["integration cross section"] == "same"


def test_what_differs_is_said(
    finished: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run whose file was changed afterwards, and a library of another version."""
    other = tmp_path / "run"
    other.mkdir()
    for path in finished.iterdir():
        if path.is_file():
            (other / path.name).write_bytes(path.read_bytes())
    resolved = json.loads((other / "resolved.json").read_text())
    (other / "resolved.json").write_text(json.dumps({**resolved, "seed": 4}))
    report = json.loads((other / "report.json").read_text())
    report["versions"]["numpy"] = "1.0"
    (other / "report.json").write_text(json.dumps(report))
    manifest = (other / "manifest.jsonl").read_text().splitlines()
    kept = [line for line in manifest if json.loads(line)["name"] != "report.json"]
    (other / "manifest.jsonl").write_text("\n".join(kept) + "\n")
    with pytest.raises(SystemExit) as caught:
        main(["reproduce", str(other), "--quiet", "--output", str(tmp_path / "again")])
    assert caught.value.code == 9
    text = capsys.readouterr().out
    assert "differs      events.lhe.gz" in text
    assert f"changed: numpy was 1.0 and is {versions()['numpy']}" in text


def test_damaged_runs_are_refused(finished: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="choose another output"):
        reproduce(finished, output=finished)
    with pytest.raises(InputError):
        reproduce(tmp_path)
    manifest = finished / "manifest.jsonl"
    before = manifest.read_text()
    entry = {"name": "../run.yaml", "bytes": 1, "sha256": "0"}
    try:
        manifest.write_text(before + json.dumps(entry) + "\n")
        with pytest.raises(InputError, match="outside of the run directory"):
            reproduce(finished)
        manifest.write_text(before.replace('"sha256": "', '"sha256": "0'))
        with pytest.raises(InputError, match="its checksum differs"):
            reproduce(finished)
    finally:
        manifest.write_text(before)


def test_sources_are_told_apart() -> None:
    found = versions()
    assert len(found["crosshook source"]) == 16
    assert int(found["crosshook source"], 16) > 0
