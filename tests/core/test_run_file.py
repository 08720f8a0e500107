"""Mistakes in a run file show before anything heavy is imported and before anything is written."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from crosshook.core.errors import CrosshookError, OutputError
from crosshook.core.run_file import load_run_file

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def run_file(tmp_path: Path) -> Path:
    path = tmp_path / "run.yaml"
    path.write_text(f"process: pp-ttbar\noutput: {{directory: '{tmp_path / 'out'}'}}\n")
    return path


def test_flags_replace_what_the_file_says(run_file: Path, tmp_path: Path) -> None:
    loaded = load_run_file(run_file, settings=["generate.events=7"], seed=3, device="cpu")
    assert (loaded.config.events, loaded.config.seed) == (7, 3)
    assert loaded.directory == tmp_path / "out"
    assert load_run_file(run_file, output=tmp_path / "x").directory == tmp_path / "x"


def test_a_run_that_is_there_is_refused_at_once(run_file: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "resolved.json").touch()
    with pytest.raises(OutputError, match="--overwrite"):
        load_run_file(run_file)
    load_run_file(run_file, overwrite=True)
    assert (tmp_path / "out" / "resolved.json").exists()


@pytest.mark.parametrize(
    "words",
    [
        ("--set", "generate.event=1"),
        ("--set", "sampling.channel_mapping.options.bin=1"),
        ("--set", "process=pp-tbar"),
        ("--output", "{folder}"),
    ],
)
def test_mistakes_do_not_wait_for_torch(run_file: Path, words: tuple[str, ...]) -> None:
    given = [str(run_file), *(word.format(folder=run_file.parent) for word in words)]
    script = f"""
import sys
from crosshook.core.cli import main
try:
    main(["run", *{given!r}])
except SystemExit as end:
    assert end.code, "refused"
heavy = {{"torch", "awkward", "uproot", "numba", "numpy", "matplotlib"}} & set(sys.modules)
assert not heavy, heavy
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("error: ")


def test_members_that_are_not_on_disk_show_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from crosshook.adapters.lhapdf.set_search import find_set
    from crosshook.core.run import run

    source, copy = find_set("ToyLH_LO"), tmp_path / "sets" / "Central"
    copy.mkdir(parents=True)
    info = (source / "ToyLH_LO.info").read_text()
    assert "NumMembers: 1" in info
    (copy / "Central.info").write_text(info.replace("NumMembers: 1", "NumMembers: 3"))
    (copy / "Central_0000.dat").write_bytes((source / "ToyLH_LO_0000.dat").read_bytes())
    monkeypatch.setenv("LHAPDF_DATA_PATH", str(copy.parent))
    path = tmp_path / "run.yaml"
    path.write_text("process: pp-ttbar\nbeams: {pdf: Central}\nvariations: {pdf: all}\n")
    with pytest.raises(CrosshookError, match="member 2"):
        run(path, output=tmp_path / "out")
    assert not (tmp_path / "out").exists()
