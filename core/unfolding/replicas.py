"""Replicas: an unfolder is fitted anew to resampled events and with other seeds, as tasks.

Every fit leaves a file in the folder of parts; one that is there already is not done again. Its
name holds a fingerprint of events, component, options and seed, so that parts of another run are
never taken for those of this one.
"""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save

from crosshook.core.errors import NumericalError
from crosshook.core.execute import SerialExecutor, Task, in_order
from crosshook.core.interfaces.unfolder import WeightFamily
from crosshook.core.unfolding.inputs import Inputs, read_inputs, write_inputs
from crosshook.core.unfolding.replica_plan import Replica, ReplicaPlan
from crosshook.core.unfolding.specification import builder_of, fitted
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from torch import Tensor

    from crosshook.core.component import Slot
    from crosshook.core.execute import Executor
    from crosshook.core.interfaces.unfolder import FamilyKind, Measured, Simulation
    from crosshook.core.progress import Progress
    from crosshook.core.unfolding.specification import Builder

FIT_FUNCTION = "crosshook.core.unfolding.replicas:fit_part"
STAGE = "replicas"
VARIED = "varied weight"


@dataclass(frozen=True)
class Part:
    """The file of one fit.

    Attributes:
        kind: the family it belongs to.
        label: of the fit.
        path: of the file: `nominal` `(n,)` float64 and `iterations` `(n, k)` float32.
    """

    kind: FamilyKind
    label: str
    path: Path

    def nominal(self) -> Tensor:
        """Nominal weights of the fit, `(n,)`."""
        return load_file(self.path)["nominal"]

    def iterations(self) -> Tensor:
        """Weights after each of its iterations, `(n, k)` float32; no columns if there are none."""
        return load_file(self.path)["iterations"]


def run_replicas(
    build: Builder | Slot | str | Mapping[str, object],
    simulation: Simulation,
    measured: Measured,
    background: Measured | None,
    plan: ReplicaPlan,
    seed: int,
    executor: Executor | None = None,
    progress: Progress | None = None,
    *,
    systematics: Mapping[str, Tensor] | None = None,
    folder: Path | None = None,
) -> dict[str, WeightFamily]:
    """Fits every replica of a plan and puts their weights together.

    Args:
        build: the unfolder's slot, or what builds it.
        simulation: events as they are.
        measured: events as they are.
        background: events as they are, or None.
        plan: how many fits of each kind.
        seed: of the run; the nominal fit is the one with network seed 0.
        executor: runs the fits; one after another in this process if None.
        progress: told how many are done.
        systematics: for each variation the simulation's weights, `(n,)`.
        folder: of the parts, which stay; a temporary one that goes if None.

    Returns:
        Families `ensemble` (other network seeds), `bootstrap_data`, `bootstrap_mc` and
        `systematic`, those with columns. Labels say what they cross: `data=3,seed=1`.

    Raises:
        NumericalError: if a fit gives weights of other rows than the nominal one, or weights that
            are not finite.
    """
    inputs = Inputs(simulation, measured, background)
    with parts_folder(folder) as place:
        parts = run_parts(
            build, inputs, plan, seed, executor, progress, systematics=systematics, folder=place
        )
        return families(parts)


@contextmanager
def parts_folder(folder: Path | None) -> Iterator[Path]:
    """The folder itself, or a temporary one that goes."""
    if folder is not None:
        yield folder
        return
    with tempfile.TemporaryDirectory(prefix="crosshook-") as made:
        yield Path(made)


def run_parts(
    build: Builder | Slot | str | Mapping[str, object],
    inputs: Inputs,
    plan: ReplicaPlan,
    seed: int,
    executor: Executor | None = None,
    progress: Progress | None = None,
    *,
    systematics: Mapping[str, Tensor] | None = None,
    folder: Path,
) -> tuple[Part, ...]:
    """Fits every replica of a plan whose file is not there yet; see `run_replicas`.

    Returns:
        The parts, in the order of the plan, systematic variations last.
    """
    varied = dict(systematics or {})
    folder = folder.absolute()  # a worker may stand elsewhere
    builder = builder_of(build)
    path, checksum = write_inputs(inputs, folder)
    parts: list[Part] = []
    tasks: list[Task] = []

    def add(kind: FamilyKind, label: str, arguments: dict[str, object], *also: str) -> None:
        key = "\n".join((checksum, builder.identity, str(seed), kind, label, *also))
        name = f"{STAGE}-{hashlib.sha256(key.encode()).hexdigest()[:16]}.safetensors"
        parts.append(Part(kind, label, folder / name))
        if not parts[-1].path.exists():
            common = {"build": builder, "inputs": path, "output": folder / name, "seed": seed}
            tasks.append(Task(len(tasks), FIT_FUNCTION, {**common, **arguments}))

    for replica in plan.replicas():
        add(replica.kind, replica.label, {"replica": replica})
    for name, weight in varied.items():
        content = weight.detach().cpu().to(torch.float64).contiguous()
        digest = hashlib.sha256(content.numpy().tobytes()).hexdigest()
        beside = folder / f"weight-{digest[:16]}.safetensors"
        write_whole(beside, save({VARIED: content}))
        add("systematic", name, {"replica": Replica(None, 0, 0), "varied": beside}, digest)
    runner = executor if executor is not None else SerialExecutor()
    done, total = len(parts) - len(tasks), len(parts)
    for _ in in_order(runner, tasks):
        done += 1
        if progress is not None:
            progress.update(STAGE, done, total)
    return tuple(parts)


def fit_part(
    build: Builder,
    inputs: Path,
    output: Path,
    seed: int,
    replica: Replica,
    varied: Path | None = None,
) -> None:
    """Makes one fit and writes its weights; runs wherever the executor puts it."""
    events = read_inputs(inputs)
    if varied is not None:
        weight = load_file(varied)[VARIED]
        events = replace(events, simulation=replace(events.simulation, weight=weight))
    result = fitted(build, replica.weighted(events, seed), seed, replica.seed)
    nominal = result.families["nominal"].weights[:, 0].detach().cpu().to(torch.float64)
    if not bool(nominal.isfinite().all()):
        message = f"replica {replica.label}: the unfolder gives weights that are not finite"
        raise NumericalError(message)
    steps = [f.weights for f in result.families.values() if f.kind == "iteration"]
    iterations = steps[0].detach().cpu() if steps else nominal.new_zeros((len(nominal), 0))
    content = {
        "nominal": nominal.contiguous(),
        "iterations": iterations.to(torch.float32).contiguous(),
    }
    write_whole(output, save(content))


def families(parts: Sequence[Part]) -> dict[str, WeightFamily]:
    """The weight families of finished parts."""
    kinds: dict[FamilyKind, list[Part]] = {}
    for part in parts:
        kinds.setdefault(part.kind, []).append(part)
    size = len(parts[0].nominal()) if parts else 0
    made: dict[str, WeightFamily] = {}
    for kind, members in kinds.items():
        columns = [part.nominal() for part in members]
        for part, column in zip(members, columns, strict=True):
            if len(column) != size:
                message = (
                    f"replica {part.label}: weights of {len(column)} truth rows, the nominal fit "
                    f"has {size}; an unfolder must keep its rows when weights change"
                )
                raise NumericalError(message)
        labels = tuple(part.label for part in members)
        made[kind] = WeightFamily(kind, torch.stack(columns, dim=1), labels)
    return made
