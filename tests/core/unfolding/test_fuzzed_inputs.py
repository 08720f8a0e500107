"""Inputs damaged at random: an error of crosshook's in one line, or a finite result."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from crosshook.core.errors import CrosshookError
from crosshook.core.unfolding.run_file import Flags, load_unfold_file
from crosshook.core.unfolding.sample import read_sample
from crosshook.core.unfolding.specification import UnfolderSpec, fitted
from tests.core.unfolding import small_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import torch

    Columns = dict[str, object]
    Damage = Callable[[Columns, str, np.random.Generator], None]

SEEDS = 100
SPECIAL = (np.nan, np.inf, -np.inf, 1e300, -1e300, 1e-300, 0.0, -1.0, 2.0**53)


def one_value(columns: Columns, name: str, rng: np.random.Generator) -> None:
    values = np.array(columns[name], float)
    values[rng.integers(max(len(values), 1)) :][:1] = rng.choice(SPECIAL)
    columns[name] = values


def constant(columns: Columns, name: str, rng: np.random.Generator) -> None:
    columns[name] = np.full(len(np.asarray(columns[name])), rng.choice(SPECIAL))


def gone(columns: Columns, name: str, rng: np.random.Generator) -> None:
    del columns[name]


def words(columns: Columns, name: str, rng: np.random.Generator) -> None:
    columns[name] = ["a"] * len(np.asarray(columns[name]))


def holes(columns: Columns, name: str, rng: np.random.Generator) -> None:
    values = np.asarray(columns[name])
    columns[name] = pa.array(values, mask=rng.random(len(values)) < 0.1)


def as_lists(columns: Columns, name: str, rng: np.random.Generator) -> None:
    columns[name] = pa.array([[float(v)] for v in np.asarray(columns[name])])


def shorter(columns: Columns, name: str, rng: np.random.Generator) -> None:
    rows = int(rng.choice([0, 1, 2, 12]))
    for key, values in columns.items():
        columns[key] = np.asarray(values)[:rows]


def weighted(columns: Columns, name: str, rng: np.random.Generator) -> None:
    weight = rng.normal(1.0, 2.0, len(np.asarray(columns[name])))
    weight[:1] = rng.choice(SPECIAL)
    columns["weight"] = weight


def huge(columns: Columns, name: str, rng: np.random.Generator) -> None:
    columns[name] = np.asarray(columns[name]).astype(float) * 10.0 ** float(
        rng.integers(-300, 300)
    )


DAMAGES: tuple[Damage, ...] = (
    one_value,
    constant,
    gone,
    words,
    holes,
    as_lists,
    weighted,
    huge,
    shorter,
)


def damaged(seed: int) -> tuple[Columns, Columns]:
    """A simulation and a measurement with one to three damages."""
    rng = np.random.default_rng(seed)
    sides: list[Columns] = [dict(small_files.simulated(120)), dict(small_files.measured(80))]
    for _ in range(rng.integers(1, 4)):
        side = sides[rng.integers(2)]
        numbers = [n for n, v in side.items() if isinstance(v, np.ndarray)]
        if numbers:
            damage = DAMAGES[rng.integers(len(DAMAGES))]
            damage(side, str(rng.choice(numbers)), rng)
    return sides[0], sides[1]


def outcome(folder: Path, seed: int) -> tuple[str, torch.Tensor | None]:
    """What became of damaged files: the message of an error, or the weights of a result."""
    paths = []
    for name, columns in zip(("simulation", "measured"), damaged(seed), strict=True):
        try:
            paths.append(small_files.write(folder / f"{name}.parquet", columns))
        except (pa.ArrowException, ValueError):
            return "no file can hold this", None
    try:
        config = load_unfold_file(None, Flags(*paths, method="ibu"))
        result = fitted(UnfolderSpec.of("ibu"), read_sample(config).inputs, seed=1)
    except CrosshookError as error:
        return str(error), None
    return "", result.families["nominal"].weights


def test_errors_or_results(tmp_path: Path) -> None:
    results = 0
    for seed in range(SEEDS):
        message, weights = outcome(tmp_path, seed)
        assert "\n" not in message, seed
        if weights is not None:
            assert bool(weights.isfinite().all()), seed
            assert float(weights.sum()) > 0, seed
            results += 1
    assert SEEDS / 10 < results < SEEDS / 2
