"""What every benchmark writes: one record a figure, and the machine they were taken on."""

from __future__ import annotations

import json
import os
import platform
from dataclasses import asdict, dataclass
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True)
class Record:
    """One figure; `error` is its statistical error, the spread of its repeats, or 0."""

    case: str
    method: str
    metric: str
    value: float
    error: float
    n: int
    seed: int


def machine(packages: Iterable[str]) -> dict[str, str]:
    """Where the figures were taken, with the versions of those packages that are installed."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if platform.system() == "Linux" else []
    models = {line.partition(":")[2].strip() for line in lines if line.startswith("model name")}
    return {
        "processor": ", ".join(sorted(models)) or platform.processor(),
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[0]:.1f}",
        "capability": torch.backends.cpu.get_cpu_capability(),
        "python": platform.python_version(),
        **{name: metadata.version(name) for name in packages if util.find_spec(name)},
    }


def in_words(about: dict[str, str]) -> str:
    """The machine on one line."""
    return ", ".join(f"{key} {value}" for key, value in about.items())


def write(path: Path, about: dict[str, str], records: Iterable[Record]) -> None:
    """Writes the records as JSON."""
    document = {"machine": about, "records": [asdict(r) for r in records]}
    path.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n")
