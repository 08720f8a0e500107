"""The command as the terminal and the operating system see it: encodings, full disks, signals."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from crosshook.core import inspect as inspect_module
from crosshook.core.cli import main

DATA = Path(__file__).parents[1] / "data" / "lhe"
COMMAND = (sys.executable, "-m", "crosshook")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
@pytest.mark.parametrize(
    "words", [("inspect", str(DATA / "sherpa_zjet.lhe")), ("plugins", "show", "vegas")]
)
def test_a_terminal_without_unicode(words: tuple[str, ...], encoding: str) -> None:
    """Signs the terminal does not have are replaced, not an error at the end of the work."""
    environment = {**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"}
    done = subprocess.run([*COMMAND, *words], capture_output=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 5
    assert done.stderr == b""


def test_a_full_disk_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fails(path: Path, **_: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", str(path))

    monkeypatch.setattr(inspect_module, "inspect_file", fails)
    with pytest.raises(SystemExit) as end:
        main(["inspect", "some.lhe"])
    assert end.value.code == 4
    assert capsys.readouterr().err == "error: some.lhe: No space left on device\n"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGTERM is sent as POSIX does")
def test_sigterm_leaves_nothing_behind(tmp_path: Path) -> None:
    """A batch system's way to end a job: temporary files go, and the exit code says so."""
    script = f"""
import os, signal
from crosshook.core.cli import main
from crosshook.core.events import staged_writer

def end(self, batch):
    assert self._staged.path.exists()
    os.kill(os.getpid(), signal.SIGTERM)

staged_writer.StagedWriter.write = end
main(["convert", {str(DATA / "sherpa_zjet.lhe")!r}, {str(tmp_path / "out.lhe.gz")!r}])
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 128 + signal.SIGTERM
    assert done.stderr.strip() == "error: stopped by a signal"  # after the line that ^C stands in
    assert list(tmp_path.iterdir()) == []
