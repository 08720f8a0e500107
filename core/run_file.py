"""A run file with the flags given beside it: read and checked before anything heavy is imported."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.core.chosen_executor import chosen_executor
from crosshook.core.config import from_document, resolve
from crosshook.core.driving.config import DrivenConfig, resolve_driven
from crosshook.core.errors import ConfigurationError
from crosshook.core.registry import default_registry
from crosshook.core.run_directory import RunDirectory
from crosshook.core.run_document import disabled, read_run_file

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.config import RunConfig
    from crosshook.core.registry import Registry


@dataclass(frozen=True)
class RunFile:
    """What a run is to do, known to be allowed.

    Attributes:
        document: the run file as written, settings applied.
        config: the same, resolved.
        registry: of the plugins the run uses.
        directory: where the run goes.
    """

    document: Mapping[str, object]
    config: RunConfig | DrivenConfig
    registry: Registry
    directory: Path

    def computed_by(self, settings: Sequence[str], workers: int | None) -> RunFile:
        """The same by another executor.

        Args:
            settings: keys of the executor; see `chosen_executor`.
            workers: processes, or None for what file and settings say.

        Raises:
            ConfigurationError: if anything of this is not allowed, or the run is one of a program.
        """
        if not settings and workers is None:
            return self
        if isinstance(self.config, DrivenConfig):
            name = "executor" if settings else "workers"
            message = f"{name}: a run with generator is computed by its program"
            raise ConfigurationError(message)
        slot = chosen_executor(self.config.executor, settings, workers, self.registry)
        return replace(self, config=replace(self.config, executor=slot))


def read_resolved(document: Mapping[str, object]) -> RunConfig | DrivenConfig:
    """The configuration of a resolved document, whichever kind of run it is of."""
    return (
        DrivenConfig.from_document(document)
        if "generator" in document
        else from_document(document)
    )


def load_run_file(
    path: Path | str,
    *,
    settings: Sequence[str] = (),
    output: Path | str | None = None,
    seed: int | None = None,
    device: str | None = None,
    overwrite: bool = False,
) -> RunFile:
    """Reads a run file and checks all of it that can be checked without computing.

    Args:
        path: a YAML file; see schemas/v1/run.json.
        settings: `key=value` pairs that replace keys of the file.
        output: the run directory, instead of the file's.
        seed: instead of the file's.
        device: instead of the file's.
        overwrite: a run that is there already may be replaced.

    Raises:
        CrosshookError: if it cannot be read or is not allowed, or the directory is not free.
    """
    document, where = read_run_file(Path(path), settings)
    if seed is not None:
        document["seed"] = seed
    if device is not None:
        document["device"] = device
    registry = default_registry(disabled(document, where))
    chosen = resolve_driven if "generator" in document else resolve
    config = chosen(document, where, registry)
    directory = Path(config.directory if output is None else output)
    RunDirectory(directory).check_free(overwrite)
    return RunFile(document, config, registry, directory)
