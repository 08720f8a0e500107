"""Transformer blocks out of plain tensors: attention among tokens, to a memory, and a dense network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch.nn import functional

from crosshook.core.learning.dense import Dense

if TYPE_CHECKING:
    import torch
    from torch import Tensor


def applied(network: Dense, x: Tensor) -> Tensor:
    """A network on the last axis of any tensor."""
    return network(x.reshape(-1, x.shape[-1])).reshape(*x.shape[:-1], -1)


def normed(x: Tensor) -> Tensor:
    """Every token with mean 0 and variance 1."""
    return functional.layer_norm(x, x.shape[-1:])


@dataclass(frozen=True)
class Attention:
    """Attention with several heads (1706.03762).

    Attributes:
        ask: of the tokens that look.
        tell: keys and values of those looked at.
        out: of what was found.
        heads: their number; divides the width.
    """

    ask: Dense
    tell: Dense
    out: Dense
    heads: int

    def __call__(self, x: Tensor, memory: Tensor, allowed: Tensor) -> Tensor:
        """What tokens `(n, a, w)` find among others `(n, b, w)`.

        Args:
            x: tokens that look.
            memory: tokens looked at.
            allowed: who may look at whom, `(n, a, b)` bool; everyone may look at something.
        """
        n, a, width = x.shape
        keys, values = applied(self.tell, memory).chunk(2, dim=2)
        q, k, v = (
            t.reshape(n, -1, self.heads, width // self.heads).transpose(1, 2)
            for t in (applied(self.ask, x), keys, values)
        )
        found = functional.scaled_dot_product_attention(q, k, v, attn_mask=allowed[:, None])
        return applied(self.out, found.transpose(1, 2).reshape(n, a, width))


@dataclass(frozen=True)
class Block:
    """Attention among tokens, to a memory if there is one, and a dense network, each added on."""

    among: Attention
    to_memory: Attention | None
    dense: Dense

    def __call__(
        self,
        x: Tensor,
        allowed: Tensor,
        memory: Tensor | None = None,
        memory_allowed: Tensor | None = None,
    ) -> Tensor:
        """Tokens `(n, a, w)` after the block; see `Attention` for who may look at whom."""
        known = normed(x)
        x = x + self.among(known, known, allowed)
        if self.to_memory is not None and memory is not None and memory_allowed is not None:
            x = x + self.to_memory(normed(x), memory, memory_allowed)
        return x + applied(self.dense, normed(x))


class Shop:
    """Makes networks, or takes them from a state, under names that stay."""

    def __init__(
        self,
        width: int,
        heads: int,
        dtype: torch.dtype,
        device: torch.device,
        rng: torch.Generator | None,
        tensors: dict[str, Tensor] | None,
    ) -> None:
        """A shop for tokens of one width; takes from `tensors` if there are any."""
        self.width, self.heads = width, heads
        self.made: dict[str, Dense] = {}
        self._dtype, self._device, self._rng, self._tensors = dtype, device, rng, tensors

    def dense(self, name: str, *sizes: int) -> Dense:
        """A dense network."""
        if self._tensors is not None:
            self.made[name] = Dense.from_state(self._tensors, name)
        else:
            self.made[name] = Dense.random(sizes, self._rng, self._dtype, self._device)
        return self.made[name]

    def attention(self, name: str) -> Attention:
        """Attention."""
        w = self.width
        return Attention(
            self.dense(f"{name}.ask", w, w),
            self.dense(f"{name}.tell", w, 2 * w),
            self.dense(f"{name}.out", w, w),
            self.heads,
        )

    def block(self, name: str, with_memory: bool) -> Block:
        """A block of an encoder, or with a memory of a decoder."""
        return Block(
            self.attention(f"{name}.among"),
            self.attention(f"{name}.memory") if with_memory else None,
            self.dense(f"{name}.dense", self.width, 2 * self.width, self.width),
        )
