"""The run directory: what may be replaced, what is whole or not there, what the manifest says."""

from __future__ import annotations

import hashlib
import json
import math
from typing import TYPE_CHECKING, cast

import pytest

from crosshook.core.errors import InputError, OutputError
from crosshook.core.run_directory import RunDirectory

if TYPE_CHECKING:
    from pathlib import Path


def test_a_new_directory(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "deep" / "run")
    assert run.parts.is_dir()
    assert run.trained() == []
    assert run.events("lhe.gz").name == "events.lhe.gz"
    run.clear_parts()
    assert list(run.path.iterdir()) == []
    run.clear_parts()


def test_an_empty_directory_is_as_good_as_new(tmp_path: Path) -> None:
    assert RunDirectory.create(tmp_path).parts.is_dir()


def test_a_run_is_replaced_only_when_told(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    for written, kind in ((run.resolved, "an unfinished run"), (run.report, "a run")):
        run.write_json(written, {})
        with pytest.raises(OutputError) as caught:
            RunDirectory.create(run.path)
        assert str(caught.value) == (
            f"{run.path}: holds {kind} already; use --overwrite or another --output"
        )
    assert run.resolved.is_file()
    RunDirectory.create(run.path, overwrite=True)
    assert not run.resolved.exists()


@pytest.mark.parametrize("overwrite", [False, True])
def test_other_directories_and_files_are_never_replaced(tmp_path: Path, overwrite: bool) -> None:
    precious = tmp_path / "thesis"
    precious.mkdir()
    (precious / "thesis.tex").write_text("years of work")
    for path in (precious, precious / "thesis.tex"):
        with pytest.raises(OutputError) as caught:
            RunDirectory.create(path, overwrite)
        assert str(caught.value) == f"{path}: exists and is not a run; choose another place"
    assert (precious / "thesis.tex").read_text() == "years of work"


def test_places_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"file/run: cannot be written: Not a directory$"):
        RunDirectory.create(tmp_path / "file" / "run")


def test_open_needs_a_finished_run_with_events(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    for needed in (run.resolved, run.report, run.state):
        with pytest.raises(InputError) as caught:
            RunDirectory.open(tmp_path)
        assert str(caught.value) == (
            f"{tmp_path}: no finished run with events: {needed.name} is missing"
        )
        run.write_json(needed, {})
    assert RunDirectory.open(tmp_path).path == tmp_path


def test_files_are_whole_or_not_there(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.write_text(run.log, "first")
    with pytest.raises(TypeError):
        run.write_json(run.log, {"not": object()})
    assert run.log.read_text() == "first"
    run.report.mkdir()
    with pytest.raises(OutputError, match=r"report\.json: cannot be written: Is a directory$"):
        run.write_text(run.report, "x")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["log.txt", "report.json"]


def test_json(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    run.write_json(run.state, {"σ": [1.5, None], "n": 3})
    assert run.read_json(run.state) == {"σ": [1.5, None], "n": 3}
    assert "σ" in run.state.read_text("utf-8")
    with pytest.raises(InputError, match=r"report\.json: No such file or directory$"):
        run.read_json(run.report)
    run.report.write_text('{"half": ')
    with pytest.raises(InputError, match=r"report\.json: not JSON: "):
        run.read_json(run.report)


def test_what_is_no_number_is_written_only_when_told(tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path / "run")
    with pytest.raises(ValueError, match="not JSON compliant"):
        run.write_json(run.report, {"loss": math.nan})
    assert not run.report.exists()
    run.write_json(run.state, {"loss": math.nan}, finite=False)
    assert math.isnan(cast("float", run.read_json(run.state)["loss"]))


def test_manifest_and_log(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    content = b"events" * 500_000
    run.events("lhe").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    assert run.register(run.events("lhe")) == ("events.lhe", len(content), digest)
    run.write_text(run.report, "{}")
    run.register(run.report)
    first, second = (json.loads(line) for line in run.manifest.read_text().splitlines())
    assert first == {"name": "events.lhe", "bytes": len(content), "sha256": digest}
    assert second["name"] == "report.json"
    run.note("one")
    run.note("two")
    assert run.log.read_text() == "one\ntwo\n"


def test_trained(tmp_path: Path) -> None:
    run = RunDirectory(tmp_path)
    for slot in ("unweighter", "channel_mapping"):
        run.model(slot).mkdir(parents=True)
    assert run.trained() == ["channel_mapping", "unweighter"]
