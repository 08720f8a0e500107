"""Who unfolds: components of crosshook, and PyPI omnifold in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.context import BuildContext
from crosshook.core.execute import one_thread
from crosshook.core.random import torch_generator
from crosshook.core.registry import default_registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from unfolding_contest.figures import Floats
    from unfolding_contest.samples import Events

PACKAGE = "PyPI omnifold"
OURS = ("omnifold", "ibu")
THREADS = 2
"""Of PyPI omnifold; ours have one."""
SETTINGS: dict[str, object] = {"batch_size": 2048, "epochs": 10, "lr": 1e-3, "early_stop": 3}
"""Of PyPI omnifold: its defaults, 50 epochs of batches of 128 at 10⁻⁴, are up to 80 times the steps."""


@dataclass(frozen=True)
class Unfolding:
    """A result.

    Attributes:
        weights: of the truth rows after every iteration, in units of the data, `(n, iterations)`.
        wall_s: seconds by the clock when each iteration was done, or one number for all of them.
        cpu_s: the same, of the processor.
    """

    weights: Floats
    wall_s: list[float]
    cpu_s: list[float]


class Clock:
    """Told of the iterations of a fit; implements `Progress`."""

    def __init__(self) -> None:
        """Starts."""
        self._start = time.perf_counter(), time.process_time()
        self.wall_s: list[float] = []
        self.cpu_s: list[float] = []

    def update(self, stage: str, done: int, total: int, **figures: float) -> None:
        """Notes the time of each iteration."""
        if stage == "unfold":
            self.note()

    def note(self) -> None:
        """Notes the time."""
        self.wall_s.append(time.perf_counter() - self._start[0])
        self.cpu_s.append(time.process_time() - self._start[1])


def component(
    method: str, simulation: Events, nature: Events, options: Mapping[str, object], seed: int
) -> Unfolding:
    """One of crosshook's unfolders, on one thread."""
    given, measured = simulation.as_simulation(), nature.as_measured()
    clock = Clock()
    context = BuildContext(features=simulation.names, progress=clock)
    built = default_registry().build("unfolder", {"use": method, "options": options}, context)
    with one_thread():
        built.fit(given, measured, None, torch_generator(seed, "unfolding"))  # type: ignore[attr-defined]
    if not clock.wall_s:
        clock.note()
    families = built.unfold().families.values()  # type: ignore[attr-defined]
    (found,) = (f for f in families if f.kind == "iteration")
    return Unfolding(found.weights.numpy(), clock.wall_s, clock.cpu_s)


def package(
    python: Path, simulation: Events, nature: Events, iterations: int, seed: int
) -> Unfolding:
    """PyPI omnifold, on two threads.

    Args:
        python: interpreter of an environment that has it.
        simulation: its weights are 1.
        nature: of which the reco level is unfolded; its weights are 1.
        iterations: to make.
        seed: of all its random numbers.
    """
    settings = {"iterations": iterations, "threads": THREADS, "seed": seed % 2**31, **SETTINGS}
    data = nature.seen[0]
    script = Path(__file__).with_name("omnifold_package.py")
    # No import path of ours, and the threads it is given.
    hidden = ("PYTHONPATH", "OMP_NUM_THREADS")
    environment = {k: v for k, v in os.environ.items() if k not in hidden}
    with tempfile.TemporaryDirectory() as folder:
        given, made = Path(folder) / "input.npz", Path(folder) / "output.npz"
        np.savez(
            given,
            truth=simulation.truth,
            reco=simulation.reco,
            has_truth=simulation.has_truth,
            has_reco=simulation.has_reco,
            data=data,
            settings=json.dumps(settings),
        )
        subprocess.run(
            [python, script, given, made], check=True, env=environment, stdout=subprocess.DEVNULL
        )
        with np.load(made) as found:
            weights, seconds = found["weights"], found["seconds"]
    # Ratios of two samples with one sum of weights at reco: the data's sum is put back.
    scale = len(data) / int(simulation.has_reco.sum())
    rows = weights[simulation.has_truth] * scale
    return Unfolding(rows, seconds[:, 0].tolist(), seconds[:, 1].tolist())
