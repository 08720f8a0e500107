"""Events of a file that a program is still writing, batch by batch as they come.

A thread copies the growing file into a pipe until the program has ended, another reads events out
of the pipe in whatever format they are. The caller waits for the next batch with a time limit, so
that it can look after the program and show progress.
"""

from __future__ import annotations

import errno
import os
import queue
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from crosshook.core.errors import CrosshookError, InputError
from crosshook.core.events.files import open_events

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.registry import Registry

PAUSE: Final = 0.05
"""Seconds between looks at a file that does not grow."""
CHUNK: Final = 1 << 20
AHEAD: Final = 4
"""Batches that wait to be taken at most."""


class GrowingEvents:
    """The events of a growing file. A context manager: its threads end with the block."""

    def __init__(
        self,
        path: Path,
        complete: Callable[[], bool],
        batch_size: int,
        registry: Registry | None = None,
    ) -> None:
        """Names the file; reading begins with the block.

        Args:
            path: of the file, which may not be there yet.
            complete: whether nothing more will be written.
            batch_size: events a batch.
            registry: where event formats come from.
        """
        self._path, self._complete = path, complete
        self._batch_size, self._registry = batch_size, registry
        self._batches: queue.Queue[EventBatch | BaseException | None] = queue.Queue(AHEAD)
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="crosshook-")
        self._pipe = Path(self._folder.name) / self._path.name
        os.mkfifo(self._pipe)
        for work in (self._copy, self._read):
            thread = threading.Thread(target=work, name=f"events{work.__name__}", daemon=True)
            self._threads.append(thread)
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stopped.set()
        copying, reading = self._threads
        while reading.is_alive():
            # A reader that still waits for its writer gets one, and with it the end.
            writer = os.open(self._pipe, os.O_RDWR | os.O_NONBLOCK)
            reading.join(PAUSE)
            os.close(writer)
        copying.join()
        self._folder.cleanup()

    def batches(self, patience: float) -> Iterator[EventBatch | None]:
        """The batches in order of the file; None whenever none has come for a while.

        Args:
            patience: seconds after which None is given.

        Raises:
            CrosshookError: if the events cannot be read.
        """
        while True:
            try:
                found = self._batches.get(timeout=patience)
            except queue.Empty:
                yield None
                continue
            if found is None:
                return
            if isinstance(found, BaseException):
                raise found
            yield found

    def _copy(self) -> None:
        """From the file to the pipe, as long as the file grows."""
        target = self._open_pipe()
        if target is None:
            return
        with open(target, "wb", buffering=0) as pipe:  # noqa: PTH123 - a descriptor
            try:
                source = self._open_file()
                if source is None:
                    return
                with source:
                    while not self._stopped.is_set():
                        over = self._complete()  # asked first: what came before it is read below
                        if data := source.read(CHUNK):
                            while data:  # a signal may cut a write short
                                data = data[pipe.write(data) :]
                        elif over:
                            return
                        else:
                            time.sleep(PAUSE)
            except BrokenPipeError:  # the reader has given up
                return
            except OSError as error:
                message = f"{self._path}: cannot be read: {error.strerror}"
                self._put(InputError(message))

    def _open_pipe(self) -> int | None:
        while not self._stopped.is_set():
            try:
                descriptor = os.open(self._pipe, os.O_WRONLY | os.O_NONBLOCK)
            except OSError as error:
                if error.errno != errno.ENXIO:  # nobody reads yet
                    raise
                time.sleep(PAUSE)
                continue
            os.set_blocking(descriptor, True)
            return descriptor
        return None

    def _open_file(self) -> BinaryIO | None:
        while not self._stopped.is_set():
            over = self._complete()
            try:
                return self._path.open("rb")
            except FileNotFoundError:
                if over:
                    return None
                time.sleep(PAUSE)
        return None

    def _read(self) -> None:
        """Events out of the pipe; what goes wrong is for the caller."""
        last: BaseException | None = None
        try:
            with open_events(self._pipe, self._batch_size, self._registry) as stream:
                for batch in stream:
                    if not self._put(batch):
                        return
        except CrosshookError as error:
            last = type(error)(str(error).replace(str(self._pipe), str(self._path)))
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            last = error
        self._put(last)

    def _put(self, item: EventBatch | BaseException | None) -> bool:
        while not self._stopped.is_set():
            try:
                self._batches.put(item, timeout=PAUSE)
            except queue.Full:
                continue
            return True
        return False
