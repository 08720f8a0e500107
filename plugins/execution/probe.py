"""Before a run begins on a cluster: do its workers see the files, and compute what we would?"""

from __future__ import annotations

from contextlib import suppress
from importlib import metadata
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from crosshook.core.errors import ExecutionError, OutputError, brief

if TYPE_CHECKING:
    from distributed import Client

PACKAGES: Final = ("crosshook", "torch", "numpy")
"""Results are the same to the last bit for the same versions of these."""


def packages() -> dict[str, str]:
    """Versions in this process."""
    found = {}
    for name in PACKAGES:
        with suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


def probe(path: str, home: str) -> tuple[str, dict[str, str]]:
    """What a worker reads in a file, and its versions; runs on the worker.

    What every task needs is imported here, so that none is charged for it.

    Args:
        path: of the file.
        home: folder that must be there, too.
    """
    import torch  # noqa: F401

    try:
        Path(home).stat()
        return Path(path).read_text("utf-8"), packages()
    except OSError as error:
        return f"{error.filename}: {error.strerror}", packages()


def check_workers(client: Client, folder: Path, home: str) -> None:
    """Asks every worker of a Dask cluster.

    Args:
        client: of the cluster.
        folder: where the run keeps its files.
        home: folder that relative paths begin at.

    Raises:
        ExecutionError: naming a worker that does not see the folders, does not answer or has other
            versions.
        OutputError: if the folder cannot be written.
    """
    token, path = token_hex(8), folder.resolve() / ".probe"
    try:
        path.write_text(token, "utf-8")
    except OSError as error:
        message = f"{folder}: cannot be written: {error.strerror}"
        raise OutputError(message) from error
    try:
        answers = client.run(probe, str(path), home, on_error="return")
    finally:
        path.unlink(missing_ok=True)
    for worker, answer in sorted(answers.items()):
        if isinstance(answer, BaseException):  # without crosshook, or gone
            message = f"executor: worker {worker} cannot serve the run: {brief(answer)}"
            raise ExecutionError(message) from answer
    own = packages()
    for worker, (text, versions) in sorted(answers.items()):
        if text != token:
            message = (
                f"executor: worker {worker} does not see the run's files ({text}); "
                "manager and workers need a file system in common"
            )
            raise ExecutionError(message)
        if versions != own:
            other = ", ".join(f"{n} {v}" for n, v in versions.items() if own.get(n) != v)
            here = ", ".join(f"{n} {v}" for n, v in own.items() if versions.get(n) != v)
            message = f"executor: worker {worker} has {other or 'nothing'}, the manager {here}"
            raise ExecutionError(message)
