"""Random streams: every block of every stage has its own, whoever computes it.

Streams come from numpy's Philox generator, a counter-based one: the key holds seed and stage, the
counter holds the block, so that streams never overlap. They are drawn on the CPU whatever the
device, so that results do not depend on it.
"""

from __future__ import annotations

import hashlib

import numpy as np
import torch

SEED_MAX = 2**63 - 1


def _key(seed: int, stage: str) -> int:
    digest = hashlib.sha256(f"{seed}/{stage}".encode()).digest()
    return int.from_bytes(digest[:16], "little")


def stream(seed: int, stage: str, block: int) -> np.random.Generator:
    """numpy's generator of one block.

    Args:
        seed: the run's seed.
        stage: e.g. `integrate`.
        block: number of the block from 0.
    """
    counter = np.array([0, 0, 0, block], dtype=np.uint64)
    return np.random.Generator(np.random.Philox(key=_key(seed, stage), counter=counter))


def uniform(seed: int, stage: str, block: int, shape: tuple[int, ...]) -> torch.Tensor:
    """Uniform numbers in [0, 1) of one block, float64, on the CPU."""
    return torch.from_numpy(stream(seed, stage, block).random(shape))


def torch_generator(seed: int, stage: str) -> torch.Generator:
    """A torch generator on the CPU for initial values and training, derived from seed and stage."""
    generator = torch.Generator(device="cpu")
    generator.manual_seed(_key(seed, stage) & SEED_MAX)
    return generator
