"""Evaluator: a generated matrix element in a process of its own, started when it is first needed."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import tempfile
import threading
import weakref
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Literal, NoReturn

import numpy as np

from crosshook.core.errors import BRIEF, InputError, NumericalError

if TYPE_CHECKING:
    from numpy.typing import NDArray

CallKind = Literal["matrix2py", "all_matrix2py", "bridge"]
"""How a generated matrix element is called; see the functions of the worker."""

WORKER = Path(__file__).with_name("worker.py")
PATIENCE = 5.0
"""Seconds a worker has to end by itself."""

ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Order:
    """What a worker opens.

    Attributes:
        kind: how it is called.
        path: of the module or library, absolute.
        card: parameter card, absolute.
        pdg: ids of the legs where the code is told them, else as many zeros.
        process: number that all-in-one modules tell processes of the same legs apart by.
        takes_graph: a bridge's calls have the number of a graph among their arguments.
    """

    kind: CallKind
    path: str
    card: str
    pdg: tuple[int, ...]
    process: int = -1
    takes_graph: bool = False


def _end(process: subprocess.Popen[bytes], printed: IO[bytes]) -> None:
    """Lets a worker end: it does when its input ends."""
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        with suppress(BrokenPipeError):
            pipe.close()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:  # a forked process still holds the other end of its input
        process.kill()
        process.wait()
    printed.close()


@dataclass
class Evaluator:
    """Evaluates points by a worker, one caller at a time.

    A process that was forked off starts a worker of its own.

    Attributes:
        order: what the worker opens.
    """

    order: Order
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    _printed: IO[bytes] | None = field(default=None, repr=False)
    _owner: int = field(default=0, repr=False)

    def squared(
        self, momenta: NDArray[np.float64], alpha_s: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """|M|² `(n,)` of momenta `(n, m, 4)` in GeV and α_s `(n,)`.

        Raises:
            InputError: if the matrix element cannot be opened.
            NumericalError: if it fails.
        """
        n, m, _ = momenta.shape
        with self._lock:
            if self._process is None or self._owner != os.getpid():
                self._start()
            assert self._process is not None
            assert self._process.stdin is not None
            try:
                self._process.stdin.write(struct.pack("<qq", n, m))
                self._process.stdin.write(np.ascontiguousarray(momenta).tobytes())
                self._process.stdin.write(np.ascontiguousarray(alpha_s).tobytes())
                self._process.stdin.flush()
            except BrokenPipeError:
                self._fail_ended(f"before {n} points could be evaluated")
            kind = self._read(1, n)
            if kind == b"X":
                (length,) = struct.unpack("<q", self._read(8, n))
                reason = self._read(length, n).decode(errors="replace")
                message = f"{self.order.path}: {reason}; it was called with {n} points of {m} legs"
                raise NumericalError(message)
            return np.frombuffer(self._read(8 * n, n)).copy()

    def _start(self) -> None:
        printed = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the worker
        command = [sys.executable, "-P", str(WORKER), json.dumps(asdict(self.order))]
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=printed,
            env={**os.environ, **ONE_THREAD},
        )
        weakref.finalize(self, _end, process, printed)
        self._process, self._printed, self._owner = process, printed, os.getpid()
        assert process.stdout is not None
        answer = process.stdout.read(1)
        if answer == b"R":
            return
        if answer == b"X":
            (length,) = struct.unpack("<q", process.stdout.read(8))
            reason = process.stdout.read(length).decode(errors="replace")
            self._process = None
            message = f"{self.order.path}: cannot be opened: {reason}"
            raise InputError(message)
        self._process = None
        message = (
            f"{self.order.path}: ended the program it was opened in{self._last_words(process)}; "
            f"it was given the parameter card {self.order.card}"
        )
        raise InputError(message)

    def _read(self, size: int, n: int) -> bytes:
        assert self._process is not None
        assert self._process.stdout is not None
        found = self._process.stdout.read(size)
        if len(found) < size:
            self._fail_ended(f"while {n} points were evaluated")
        return found

    def _fail_ended(self, when: str) -> NoReturn:
        process, self._process = self._process, None
        assert process is not None
        message = f"{self.order.path}: ended its program {when}{self._last_words(process)}"
        raise NumericalError(message)

    def _last_words(self, process: subprocess.Popen[bytes]) -> str:
        """What generated code printed last, for messages."""
        process.wait()
        assert self._printed is not None
        self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, self._printed.tell() - BRIEF))
        words = " ".join(self._printed.read().decode(errors="replace").split())
        return f" ({words})" if words else f" (exit code {process.returncode})"
