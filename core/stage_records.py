"""Results of the finished stages of a run on its way: what a resumed run need not compute again."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, cast

from crosshook.core.errors import InputError
from crosshook.core.provenance import versions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.run_directory import RunDirectory


def _machine(device: str) -> dict[str, str]:
    """Versions and what else the last digits depend on."""
    import torch

    chosen = torch.device(device)
    found = versions() | {
        "torch build": str(torch.__version__),
        "processor's instructions": torch.backends.cpu.get_cpu_capability(),
    }
    if chosen.type == "cuda":
        found["device"] = torch.cuda.get_device_name(chosen)
    return found


class StageRecords:
    """The records in a run's directory.

    Attributes:
        run: says which run they belong to: a digest of its resolved run file.
    """

    def __init__(self, directory: RunDirectory, document: Mapping[str, object]) -> None:
        """Names the records; nothing is read or written yet.

        Args:
            directory: of the run.
            document: its resolved run file.
        """
        self._directory = directory
        self.run = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()

    def start(self, device: str) -> None:
        """Writes down which run this is and what computes it."""
        self._write("run", {"machine": _machine(device)})

    def changes(self, device: str) -> tuple[str, ...]:
        """What is not as it was when the run was started, in sentences.

        Raises:
            InputError: if the records belong to another run or are damaged.
        """
        before = cast("dict[str, dict[str, str]]", self.find("run"))["machine"]
        now = _machine(device)
        return tuple(
            f"{name} was {before.get(name, 'unknown')} when the run was started and is "
            f"{now.get(name, 'unknown')} now: results may differ in the last digits"
            for name in sorted(before.keys() | now.keys())
            if before.get(name) != now.get(name)
        )

    def keep(self, stage: str, values: Mapping[str, object]) -> None:
        """Writes the results of a stage; what they refer to must be on disk already.

        Args:
            stage: its name.
            values: what JSON can hold, NaN and infinity included.
        """
        self._write(stage, values)

    def find(self, stage: str) -> dict[str, object] | None:
        """The results of a stage, or None if it is not finished.

        Raises:
            InputError: if they belong to another run or are damaged.
        """
        path = self._directory.stage(stage)
        if not path.is_file():
            return None
        document = self._directory.read_json(path)
        values = document.get("values")
        if not isinstance(values, dict) or document.get("sha256") != _digest(values):
            message = f"{path}: does not match its checksum"
            raise InputError(message)
        if document.get("run") != self.run:
            message = f"{path}: belongs to a run with another configuration"
            raise InputError(message)
        return values

    def _write(self, stage: str, values: Mapping[str, object]) -> None:
        # As it will be read: tuples become lists.
        plain = json.loads(json.dumps(values))
        document = {"run": self.run, "sha256": _digest(plain), "values": plain}
        self._directory.write_json(self._directory.stage(stage), document, finite=False)


def _digest(values: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()
