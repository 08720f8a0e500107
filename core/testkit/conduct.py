"""Conduct: what every call owes its caller, whatever the interface."""

from __future__ import annotations

import random
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from crosshook.core.testkit.compare import disagreement, first_row, show_row
from crosshook.core.testkit.finding import Finding, told_at
from crosshook.core.testkit.shrink import with_smallest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from torch import Tensor

    from crosshook.core.testkit.exercise import Exercise


def shapes_and_types(exercises: Iterable[Exercise], tolerance: float) -> Iterator[Finding]:
    """Outputs have the shapes of the interface, are float64 (indices int64), live on the device
    of the inputs, and hold no NaN; n = 0 gives n = 0.
    """
    yield from _first(exercises, _misshapen)


def _misshapen(exercise: Exercise) -> Finding | None:
    device = next(iter(exercise.inputs.values())).device
    for name, value in exercise.run().items():
        dtype = torch.int64 if name in exercise.integer else torch.float64
        wanted = exercise.shapes.get(name)
        place = f"{name} of {exercise.label}"
        message = ""
        if exercise.row_wise and wanted is not None:
            shape = (exercise.rows, *wanted)
            if tuple(value.shape) != shape:
                message = f"{place} has shape {tuple(value.shape)}, wanted {shape}"
        if value.dtype != dtype:
            message = f"{place} is {value.dtype}, wanted {dtype}"
        elif value.device != device:
            message = f"{place} is on {value.device}, the inputs are on {device}"
        if message:
            return Finding(message, exercise.case)
        bad = value.isnan() if value.is_floating_point() else torch.zeros(0)
        row = first_row(bad)
        if row >= 0:
            given = show_row(exercise.inputs, row) if exercise.row_wise else ""
            return Finding(f"{place} holds {int(bad.sum())} NaN", exercise.case, given)
    return None


def inputs_unchanged(exercises: Iterable[Exercise], tolerance: float) -> Iterator[Finding]:
    """A call does not change its arguments: what the caller passes, the caller keeps."""
    yield from _first(exercises, _mutated)


def _mutated(exercise: Exercise) -> Finding | None:
    inputs = exercise.copies()
    exercise.call(exercise.built, inputs)
    for name, before in exercise.inputs.items():
        after = inputs[name]
        if after.shape != before.shape or not _same(after, before):
            return Finding(f"{exercise.label} mutates its input {name}", exercise.case)
    return None


def global_state_untouched(exercises: Iterable[Exercise], tolerance: float) -> Iterator[Finding]:
    """A call neither draws from nor seeds the global generators of torch, numpy and Python, and
    leaves torch's default type, gradient mode and thread count alone.
    """
    yield from _first(exercises, _touched)


def _touched(exercise: Exercise) -> Finding | None:
    # Moved on first: a component that seeds them would else find them as it left them.
    with _Scrambled():
        before = _global_state()
        exercise.run()
        touched = [name for name, value in _global_state().items() if value != before[name]]
        _restore_settings(before)
    if not touched:
        return None
    return Finding(f"{exercise.label} changes global state: {', '.join(touched)}", exercise.case)


def repeatable(exercises: Iterable[Exercise], tolerance: float) -> Iterator[Finding]:
    """The same inputs give the same outputs, bit for bit, however often and in whatever state the
    global generators are.
    """
    yield from _first(exercises, _changing)


def _changing(exercise: Exercise) -> Finding | None:
    first = exercise.run()
    with _Scrambled():
        second = exercise.run()
    for name, value in first.items():
        if value.shape != second[name].shape or not _same(value, second[name]):
            message = f"{name} of {exercise.label} changes from one call to the next"
            return Finding(message, exercise.case)
    return None


def rows_independent(exercises: Iterable[Exercise], tolerance: float) -> Iterator[Finding]:
    """Row i of the result depends on row i of the input only, not on the rest of the batch:
    f(x)[p] = f(x[p]) for a permutation, a half and a single row.
    """
    judged = (each for each in exercises if each.row_wise and each.rows >= 2)
    yield from _first(judged, partial(_depends_on_others, tolerance))


def _depends_on_others(tolerance: float, exercise: Exercise) -> Finding | None:
    n = exercise.rows
    device = next(iter(exercise.inputs.values())).device
    backwards = torch.arange(n - 1, -1, -1, device=device)
    whole = exercise.run()
    for rows in (backwards, backwards[::2], backwards[-1:]):
        part = exercise.run_rows(rows)
        for name, value in whole.items():
            got, wanted = part[name], value[rows]
            if got.shape == wanted.shape:  # NaN on both sides is no dependence on others
                both = got.isnan() & wanted.isnan()
                got, wanted = got.masked_fill(both, 0), wanted.masked_fill(both, 0)
            finding = disagreement(
                f"{name} of {exercise.label} depends on the rest of the batch: "
                f"{len(rows)} rows alone and among {n}",
                got,
                wanted,
                tolerance,
                exercise.case,
                {k: v[rows] for k, v in exercise.inputs.items()},
            )
            if finding is not None:
                return finding
    return None


def explicit_device(exercises: Iterable[Exercise], tolerance: float) -> Iterator[Finding]:
    """Every tensor is made on a named device: with torch's default device set to `meta`, building
    and calling work as before. A tensor made without a device would break on a GPU.
    """
    yield from _first((each for each in exercises if not each.trains), _on_meta)


def _on_meta(exercise: Exercise) -> Finding | None:
    wanted = exercise.run()
    for age in ("trained", "fresh"):
        try:
            with torch.device("meta"):
                built = exercise.built if age == "trained" else exercise.fresh()
                got = exercise.run(built)
        except (RuntimeError, NotImplementedError, TypeError, ValueError) as error:
            message = (
                f"{exercise.label} ({age} component) fails with torch's default device set "
                f"to meta: a tensor was made without a device{told_at(error)}"
            )
            return Finding(message, exercise.case)
        lost = [name for name, v in got.items() if v.device != wanted[name].device]
        if lost:
            message = (
                f"{', '.join(lost)} of {exercise.label} ({age} component) ends on meta with "
                "torch's default device set to meta: a tensor was made without a device"
            )
            return Finding(message, exercise.case)
    return None


def _first(
    exercises: Iterable[Exercise], look: Callable[[Exercise], Finding | None]
) -> Iterator[Finding]:
    """The first finding on an exercise, with the fewest rows that show it."""
    for exercise in exercises:
        finding = on_fewest_rows(exercise, look)
        if finding is not None:
            yield finding
            return


def on_fewest_rows(
    exercise: Exercise, look: Callable[[Exercise], Finding | None]
) -> Finding | None:
    """What a check says of an exercise, with the fewest rows that show it."""
    return with_smallest(
        lambda given: look(exercise.on(given)),
        exercise.inputs,
        exercise.simple,
        where=str(exercise.shape),
    )


def _same(a: Tensor, b: Tensor) -> bool:
    return bool(((a == b) | (a.isnan() & b.isnan())).all())


def _global_state() -> dict[str, object]:
    legacy = np.random.get_state(legacy=False)
    cuda = torch.cuda.get_rng_state().tolist() if torch.cuda.is_initialized() else None  # type: ignore[no-untyped-call]
    return {
        "torch's generator": torch.get_rng_state().numpy().tobytes(),
        "torch's CUDA generator": repr(cuda),
        "numpy's generator": repr(legacy),
        "Python's generator": repr(random.getstate()),
        "torch's default type": torch.get_default_dtype(),
        "gradient mode": torch.is_grad_enabled(),
        "thread count": torch.get_num_threads(),
        "deterministic algorithms": torch.are_deterministic_algorithms_enabled(),
    }


def _restore_settings(before: dict[str, object]) -> None:
    dtype, threads = before["torch's default type"], before["thread count"]
    if isinstance(dtype, torch.dtype):
        torch.set_default_dtype(dtype)
    torch.set_grad_enabled(bool(before["gradient mode"]))
    strict = bool(before["deterministic algorithms"])
    if strict != torch.are_deterministic_algorithms_enabled():
        torch.use_deterministic_algorithms(strict)
    if isinstance(threads, int) and threads != torch.get_num_threads():
        torch.set_num_threads(threads)


class _Scrambled:
    """Moves the global generators on, and back: a component that uses them gives itself away."""

    def __enter__(self) -> None:
        self._torch = torch.get_rng_state()
        self._numpy = np.random.get_state()
        self._python = random.getstate()
        torch.rand(7, device="cpu")
        np.random.random(7)
        random.random()

    def __exit__(self, *_: object) -> None:
        torch.set_rng_state(self._torch)
        np.random.set_state(self._numpy)
        random.setstate(self._python)


CONDUCT = (
    shapes_and_types,
    inputs_unchanged,
    global_state_untouched,
    repeatable,
    rows_independent,
    explicit_device,
)
