"""T(x|z) over dense columns and sets, as a sequence of steps that a transformer reads and predicts.

Steps are: the dense columns; of every set the number of its objects, then the objects by falling
first column (pT). Each step sees those before it and all of truth; within a step columns follow one
another. The first column of an object is cut off at that of the object before, by the share of its
own distribution that lies below, so that the density is exactly one of ordered lists: each set counts
once, whatever order its objects are stored in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from crosshook.core.interfaces.features import Features
from crosshook.plugins.transfer.attention import Shop, applied, normed
from crosshook.plugins.transfer.conditional import Conditional

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from crosshook.core.learning.dense import Dense
    from crosshook.plugins.transfer.level import Level
    from crosshook.plugins.transfer.scales import Scales


@dataclass(frozen=True)
class Shape:
    """Options of the networks; meaning and defaults are in schemas/v1/components/transformer-flow.json."""

    width: int
    heads: int
    blocks: int
    components: int
    bins: int


@dataclass(frozen=True)
class Columnwise:
    """Networks of the columns of a step, each given what the step knows and the columns before."""

    scales: Scales
    heads: tuple[Conditional, ...]
    networks: tuple[Dense, ...]

    @classmethod
    def of(cls, shop: Shop, name: str, scales: Scales, shape: Shape, fresh: bool) -> Columnwise:
        """Networks from the shop."""
        heads = tuple(Conditional(m, shape.components, shape.bins) for m in scales.marginals)
        networks, inputs = [], shop.width
        for i, head in enumerate(heads):
            network = shop.dense(f"{name}.{i}", inputs, shop.width, head.size)
            if fresh:
                network.offsets[-1].copy_(head.start())
            networks.append(network)
            inputs += scales.size(i)
        return cls(scales, heads, tuple(networks))

    def log_prob(self, x: Tensor, known: Tensor, ceiling: Tensor | None = None) -> Tensor:
        """log density of rows `(n, f)`; the first column lies below a ceiling `(n,)` if given."""
        total = torch.zeros_like(x[:, 0]) if x.shape[1] else x.new_zeros(len(x))
        for i, (head, network) in enumerate(zip(self.heads, self.networks, strict=True)):
            raw = network(known)
            total = total + head.log_density(x[:, i], raw)
            if i == 0 and ceiling is not None:
                total = total - head.log_below(ceiling, raw)
            known = self._with(known, i, x[:, i])
        return total

    def sample(self, known: Tensor, uniform: Tensor, ceiling: Tensor | None = None) -> Tensor:
        """Rows `(n, f)` from as many uniform numbers."""
        columns = []
        for i, (head, network) in enumerate(zip(self.heads, self.networks, strict=True)):
            raw, numbers = network(known), uniform[:, i]
            if i == 0 and ceiling is not None:
                numbers = numbers * head.log_below(ceiling, raw).exp()
            columns.append(head.draw(numbers, raw))
            if i == 0 and ceiling is not None:
                columns[0] = torch.minimum(columns[0], ceiling)
            known = self._with(known, i, columns[-1])
        return torch.stack(columns, dim=1) if columns else uniform

    def _with(self, known: Tensor, i: int, x: Tensor) -> Tensor:
        if i + 1 == len(self.heads):
            return known
        u, _ = self.heads[i].marginal.to_unit(x)
        return torch.cat([known, self.scales.seen(i, x, u).to(known.dtype)], dim=1)


class SequenceDensity:
    """The networks, and the density they make."""

    def __init__(self, truth: Level, reco: Level, shape: Shape, shop: Shop, fresh: bool) -> None:
        """Takes all networks from the shop; `fresh` ones get their starting values."""
        self._truth, self._reco, self._shop = truth, reco, shop
        w = shop.width
        self._event = shop.dense("truth.event", 1, w)
        self._columns = [
            shop.dense(f"truth.column.{i}", truth.scales.size(i), w)
            for i in range(len(truth.dense))
        ]
        self._partons = {
            key: shop.dense(f"truth.object.{key}", scales.total, w)
            for key, scales in truth.set_scales.items()
        }
        self._encoder = [shop.block(f"encoder.{i}", False) for i in range(shape.blocks)]
        self._decoder = [shop.block(f"decoder.{i}", True) for i in range(shape.blocks)]
        self._place = shop.dense("reco.place", self._steps(), w)
        self._dense_in = shop.dense("reco.dense", max(1, reco.scales.total), w)
        self._dense_out = Columnwise.of(shop, "reco.columns", reco.scales, shape, fresh)
        self._count_in, self._count_out = {}, {}
        self._object_in, self._object_out = {}, {}
        for key, scales in reco.set_scales.items():
            room = reco.longest[key] + 1
            self._count_in[key] = shop.dense(f"reco.number.{key}", room, w)
            self._count_out[key] = shop.dense(f"reco.chances.{key}", w, w, room)
            self._object_in[key] = shop.dense(f"reco.object.{key}", scales.total, w)
            self._object_out[key] = Columnwise.of(
                shop, f"reco.objects.{key}", scales, shape, fresh
            )

    def _steps(self) -> int:
        return 1 + sum(1 + longest for longest in self._reco.longest.values())

    def parameters(self) -> list[Tensor]:
        """What a training changes."""
        return [p for network in self._shop.made.values() for p in network.parameters()]

    def state(self) -> dict[str, Tensor]:
        """All tensors."""
        found: dict[str, Tensor] = {}
        for name, network in self._shop.made.items():
            found |= network.state(name)
        return found

    def _dtype(self) -> torch.dtype:
        return self._event.matrices[0].dtype

    def _memory(self, truth: Features) -> tuple[Tensor, Tensor]:
        """Tokens of truth `(n, b, w)`, and which are there `(n, b)`."""
        dtype, n = self._dtype(), len(truth)
        one = truth.dense.new_ones((n, 1))
        tokens = [applied(self._event, one.to(dtype))[:, None]]
        there = [one.bool()]
        u, _ = self._truth.scales.to_unit(truth.dense)
        for i, network in enumerate(self._columns):
            seen = self._truth.scales.seen(i, truth.dense[:, i], u[:, i])
            tokens.append(network(seen.to(dtype))[:, None])
            there.append(one.bool())
        for key, network in self._partons.items():
            values, mask = self._truth.ordered(truth, key)
            seen = self._truth.objects_seen(key, values, mask)
            tokens.append(applied(network, seen.to(dtype)))
            there.append(mask)
        x, known = torch.cat(tokens, dim=1), torch.cat(there, dim=1)
        allowed = known[:, None, :].expand(-1, x.shape[1], -1)
        for block in self._encoder:
            x = block(x, allowed)
        return normed(x), known

    def _read(
        self, tokens: Sequence[Tensor], there: Sequence[Tensor], memory: tuple[Tensor, Tensor]
    ) -> Tensor:
        """What each step knows, `(n, steps, w)`: step i of truth and the steps before it.

        Args:
            tokens: of the steps before each, `(n, w)`; zeros before the first.
            there: which steps there are, `(n,)` bool each.
            memory: of truth.
        """
        x = torch.stack(list(tokens), dim=1)
        n, steps, _ = x.shape
        places = self._place.matrices[0][:steps] + self._place.offsets[0]
        x = x + places
        mask = torch.stack(list(there), dim=1)
        below = torch.ones((steps, steps), dtype=torch.bool, device=x.device).tril()
        own = torch.eye(steps, dtype=torch.bool, device=x.device)
        allowed = (below & mask[:, None, :]) | own
        to_memory = memory[1][:, None, :].expand(n, steps, -1)
        for block in self._decoder:
            x = block(x, allowed, memory[0], to_memory)
        return normed(x)

    def log_prob(self, reco: Features, truth: Features) -> Tensor:
        """log T(x|z), `(n,)`; -inf where a set has more objects than any of the training."""
        dtype, n = self._dtype(), len(truth)
        everywhere = torch.ones(n, dtype=torch.bool, device=truth.dense.device)
        start = torch.zeros((n, self._shop.width), dtype=dtype, device=truth.dense.device)
        tokens, there = [start, self._dense_token(reco.dense)], [everywhere, everywhere]
        objects = {}
        for key in self._reco.sets:
            room = self._reco.longest[key]
            values, mask = self._reco.ordered(reco, key)
            number = mask.sum(dim=1)
            values, mask = _with_room(values, mask, room)
            objects[key] = (values, mask, number)
            tokens.append(self._count_token(key, number))
            there.append(everywhere)
            seen = self._reco.objects_seen(key, values, mask).to(dtype)
            found = applied(self._object_in[key], seen)
            tokens += list(found.unbind(dim=1))
            there += list(mask.unbind(dim=1))
        known = self._read(tokens[:-1], there[:-1], self._memory(truth))
        total = self._dense_out.log_prob(reco.dense, known[:, 0])
        step = 1
        for key, (values, mask, number) in objects.items():
            chances = torch.log_softmax(self._count_out[key](known[:, step]).double(), dim=1)
            room = self._reco.longest[key]
            picked = chances.gather(1, number.clamp(max=room)[:, None])[:, 0]
            total = total + torch.where(number <= room, picked, -torch.inf)
            for j in range(room):
                rows = torch.nonzero(mask[:, j])[:, 0]
                if not len(rows):
                    break
                ceiling = values[rows, j - 1, 0] if j else None
                found = self._object_out[key].log_prob(
                    values[rows, j], known[rows, step + 1 + j], ceiling
                )
                total = total.index_add(0, rows, found)
            step += 1 + room
        return total

    def _dense_token(self, rows: Tensor) -> Tensor:
        seen = self._reco.scales.all_seen(rows).to(self._dtype())
        if not seen.shape[1]:
            seen = torch.zeros((len(rows), 1), dtype=self._dtype(), device=rows.device)
        return self._dense_in(seen)

    def _count_token(self, key: str, number: Tensor) -> Tensor:
        room = self._reco.longest[key]
        hot = functional.one_hot(number.clamp(max=room), room + 1)
        return self._count_in[key](hot.to(self._dtype()))

    def sample(self, truth: Features, rng: torch.Generator) -> Features:
        """One draw a row."""
        memory, n, device = self._memory(truth), len(truth), truth.dense.device

        def uniform(columns: int) -> Tensor:
            drawn = torch.rand((n, columns), generator=rng, dtype=torch.float64, device="cpu")
            return drawn.to(device)

        everywhere = torch.ones(n, dtype=torch.bool, device=device)
        tokens = [torch.zeros((n, self._shop.width), dtype=self._dtype(), device=device)]
        there = [everywhere]
        known = self._read(tokens, there, memory)[:, -1]
        dense = self._dense_out.sample(known, uniform(len(self._reco.dense)))
        tokens.append(self._dense_token(dense))
        there.append(everywhere)
        sets = {}
        for key, columns in self._reco.sets.items():
            known = self._read(tokens, there, memory)[:, -1]
            below = torch.softmax(self._count_out[key](known).double(), dim=1).cumsum(dim=1)
            number = (uniform(1) > below[:, :-1]).sum(dim=1)
            tokens.append(self._count_token(key, number))
            there.append(everywhere)
            room = self._reco.longest[key]
            values = truth.dense.new_zeros((n, room, len(columns)))
            mask = torch.arange(room, device=device) < number[:, None]
            for j in range(room):
                known = self._read(tokens, there, memory)[:, -1]
                ceiling = values[:, j - 1, 0] if j else None
                drawn = self._object_out[key].sample(known, uniform(len(columns)), ceiling)
                values[:, j] = torch.where(mask[:, j, None], drawn, 0.0)
                seen = self._reco.objects_seen(key, values[:, j : j + 1], mask[:, j : j + 1])
                tokens.append(applied(self._object_in[key], seen.to(self._dtype()))[:, 0])
                there.append(mask[:, j])
            sets[key] = (values, mask)
        return Features(
            dense,
            self._reco.dense.names,
            self._reco.dense.units,
            sets,
            {key: columns.names for key, columns in self._reco.sets.items()},
            {key: columns.units for key, columns in self._reco.sets.items()},
        )


def _with_room(values: Tensor, mask: Tensor, room: int) -> tuple[Tensor, Tensor]:
    """Objects with exactly so many places; what does not fit is cut off."""
    n, longest, q = values.shape
    if longest >= room:
        return values[:, :room], mask[:, :room]
    more = room - longest
    return (
        torch.cat([values, values.new_zeros((n, more, q))], dim=1),
        torch.cat([mask, mask.new_zeros((n, more))], dim=1),
    )
