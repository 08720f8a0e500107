"""Before a run begins on a cluster: do its workers see the files, and compute what we would?"""

from __future__ import annotations

from contextlib import suppress
from importlib import metadata
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING, Final

from crosshook.core.errors import ExecutionError, OutputError

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


def probe(path: str) -> tuple[str, dict[str, str]]:
    """What a worker reads in a file, and its versions; runs on the worker."""
    try:
        return Path(path).read_text("utf-8"), packages()
    except OSError as error:
        return f"error: {error.strerror}", packages()


def check_workers(client: Client, folder: Path) -> None:
    """Asks every worker of a Dask cluster.

    Args:
        client: of the cluster.
        folder: where the run keeps its files.

    Raises:
        ExecutionError: naming a worker that does not see the folder or has other versions.
        OutputError: if the folder cannot be written.
    """
    token, path = token_hex(8), folder.resolve() / ".probe"
    try:
        path.write_text(token, "utf-8")
    except OSError as error:
        message = f"{folder}: cannot be written: {error.strerror}"
        raise OutputError(message) from error
    try:
        answers = client.run(probe, str(path))
    finally:
        path.unlink(missing_ok=True)
    own = packages()
    for worker, (text, versions) in sorted(answers.items()):
        if text != token:
            message = (
                f"executor: worker {worker} does not see {folder.resolve()} ({text or 'empty'}); "
                "manager and workers need a file system in common"
            )
            raise ExecutionError(message)
        if versions != own:
            other = ", ".join(f"{n} {v}" for n, v in versions.items() if own.get(n) != v)
            here = ", ".join(f"{n} {v}" for n, v in own.items() if versions.get(n) != v)
            message = f"executor: worker {worker} has {other or 'nothing'}, the manager {here}"
            raise ExecutionError(message)
