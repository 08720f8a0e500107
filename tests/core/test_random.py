"""Random streams: one for every seed, stage and block, the same on every machine."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from crosshook.core.random import stream, torch_generator, uniform


def test_same_seed_stage_and_block_give_the_same_numbers() -> None:
    assert torch.equal(uniform(1, "integrate", 7, (100, 3)), uniform(1, "integrate", 7, (100, 3)))


def test_numbers_are_pinned() -> None:
    """The events of a seed must not change from one version to the next without notice."""
    found = uniform(20261122, "integrate", 3, (3,))
    assert found.tolist() == [0.8940643145647471, 0.04097077670273375, 0.6940195742685867]
    assert found.dtype == torch.float64


def test_streams_of_seeds_stages_and_blocks_are_distinct() -> None:
    keys = list(itertools.product((1, 2, 12), ("integrate", "generate", "2/integrate"), (0, 1, 9)))
    first = {tuple(uniform(*key, (4,)).tolist()) for key in keys}
    assert len(first) == len(keys)


def test_seed_and_stage_are_told_apart() -> None:
    """`1` + `2/x` and `12` + `/x` must not make the same key."""
    assert not torch.equal(uniform(1, "2/x", 0, (4,)), uniform(12, "x", 0, (4,)))


def test_blocks_are_independent() -> None:
    """Neighbouring blocks: the correlation of 10⁵ pairs is within 5/√n of 0."""
    n = 100_000
    a, b = (stream(5, "integrate", block).random(n) for block in (0, 1))
    assert abs(np.corrcoef(a, b)[0, 1]) < 5 / n**0.5


def test_uniform_leaves_global_generators_alone() -> None:
    before = torch.get_rng_state()
    uniform(1, "integrate", 0, (10,))
    torch_generator(1, "train")
    assert torch.equal(before, torch.get_rng_state())


def test_numbers_stay_on_the_cpu_whatever_the_default_device() -> None:
    with torch.device("meta"):
        found = uniform(1, "integrate", 0, (10,))
    assert found.device.type == "cpu"


def test_torch_generators_follow_seed_and_stage() -> None:
    def first(seed: int, stage: str) -> float:
        return float(torch.rand(1, generator=torch_generator(seed, stage), dtype=torch.float64))

    assert first(1, "train") == first(1, "train")
    assert len({first(1, "train"), first(2, "train"), first(1, "fit")}) == 3
