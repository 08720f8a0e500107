"""One job of a program: started, logged, watched, and ended with us.

The program is in a process group of its own: Ctrl-C reaches crosshook alone, which then ends the
whole group and knows about it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from crosshook.core.errors import ConfigurationError, OutputError, ProgramError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from crosshook.core.interfaces.generator import Generator, Job

PATIENCE: Final = 10.0
"""Seconds a program may take to end when it is told to, before it is killed."""
LAST_LINES: Final = 8
"""Lines of the log that an error shows."""
TAIL: Final = 1 << 16
"""Bytes at the end of a log that are read while the program runs."""


class Child:
    """A program on its way.

    Attributes:
        log: gets what it prints.
    """

    def __init__(self, process: subprocess.Popen[bytes], log: Path) -> None:
        """Watches a process that was started as the leader of its group."""
        self._process = process
        self.log = log

    @property
    def ended(self) -> bool:
        """Whether the program has come to its end."""
        return self._process.poll() is not None

    def stop(self) -> None:
        """Ends the program and what it started; it may tidy up for a few seconds."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, number)
            if not self.ended:
                with suppress(subprocess.TimeoutExpired):
                    self._process.wait(PATIENCE)

    def check(self, generator: Generator) -> None:
        """Waits for the end.

        Raises:
            ProgramError: if it failed, with the reason as far as known and the log's last lines.
        """
        code = self._process.wait()
        if code == 0:
            return
        text = log_text(self.log)
        name = str(self._process.args[0] if isinstance(self._process.args, list) else "program")
        how = f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"
        reason = generator.explain(text)
        lines = [line for line in text.splitlines() if line.strip()][-LAST_LINES:]
        shown = "".join(f"\n  | {line}" for line in lines) or " (it printed nothing)"
        message = f"{name} {how}{': ' + reason if reason else ''}; see {self.log}:{shown}"
        raise ProgramError(message)


@contextmanager
def running(job: Job, folder: Path, log: Path) -> Iterator[Child]:
    """Starts a job; whatever happens, its program does not outlive the block.

    Args:
        job: with a command.
        folder: of the run's jobs, where the job runs unless it names another.
        log: gets what it prints, from the beginning.

    Raises:
        ConfigurationError: if it cannot be started.
        OutputError: if a program of an earlier run still works in the folder.
    """
    with _alone(folder) as lock, _opened(log) as output:
        try:
            process = subprocess.Popen(
                list(job.command),
                cwd=job.folder or folder,
                env=_environment(job.environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                pass_fds=(lock,),
            )
        except OSError as error:
            message = f"{job.command[0]}: cannot be started: {error.strerror}"
            raise ConfigurationError(message) from error
        child = Child(process, log)
        try:
            yield child
        finally:
            child.stop()


def log_text(log: Path, most: int | None = None) -> str:
    """What a log holds, without the colours of a terminal.

    Args:
        log: the file; it may be missing.
        most: only so many bytes of its end.
    """
    try:
        with log.open("rb") as stream:
            if most is not None:
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - most))
            data = stream.read()
    except OSError:
        return ""
    return plain_text(data.decode("utf-8", "replace"))


def plain_text(text: str) -> str:
    """Text without escape sequences and carriage returns."""
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text).replace("\r", "\n")


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    return {**os.environ, **changes}


@contextmanager
def _opened(log: Path) -> Iterator[int]:
    try:
        stream = log.open("wb")
    except OSError as error:
        message = f"{log}: cannot be written: {error.strerror}"
        raise OutputError(message) from error
    with stream:
        yield stream.fileno()


@contextmanager
def _alone(folder: Path) -> Iterator[int]:
    """A lock that the program inherits: it holds as long as the program lives, even if we do not."""
    try:
        lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        message = f"{folder}: cannot be written: {error.strerror}"
        raise OutputError(message) from error
    try:
        _take(lock, folder)
        yield lock
    finally:
        os.close(lock)


def _take(lock: int, folder: Path) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = f"{folder}: a program that an earlier run has started still works here; end it"
        raise OutputError(message) from error
    except OSError:  # a file system without locks
        return
