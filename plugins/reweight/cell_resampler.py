"""Event reweighter `cell-resampler`: negative weights are evened out among nearest neighbours.

See `cells` for the method, `event_distance` for what is near. The whole sample is looked at first
(`survey`), and every event then found again by its content, so that its factor is its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crosshook.core.errors import InputError
from crosshook.core.events.run_info import WeightInfo
from crosshook.plugins.reweight.cells import resample
from crosshook.plugins.reweight.event_classes import classes_of, joined
from crosshook.plugins.reweight.event_distance import room
from crosshook.plugins.reweight.event_keys import keys_of
from crosshook.plugins.reweight.event_objects import objects_of
from crosshook.plugins.reweight.vantage_tree import planted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from crosshook.core.context import BuildContext
    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.layout import FloatArray
    from crosshook.core.events.run_info import RunInfo
    from crosshook.plugins.reweight.event_keys import Words
    from crosshook.plugins.reweight.event_objects import EventObjects

GIGABYTE = 1e9


class CellResampler:
    """One weight that is positive where cells could be found, with the sums of the nominal one."""

    def __init__(
        self,
        weight: str,
        jets: tuple[float, float, float],
        largest_cell: int,
        largest_radius: float,
        memory: float,
    ) -> None:
        """Takes options of the component.

        Args:
            weight: id of the weight it gives.
            jets: R and smallest p_T in GeV of jets, and τ of distances.
            largest_cell: events a cell may have.
            largest_radius: in GeV.
            memory: the most all momenta may take, GB.
        """
        self._weight = weight
        self._jets = jets
        self._largest_cell = largest_cell
        self._largest_radius = largest_radius
        self._memory = memory
        self._keys: Words = np.zeros(0, np.uint64)
        self._factors: FloatArray = np.zeros(0)

    def declare(self, info: RunInfo) -> tuple[WeightInfo, ...]:
        """The resampled weight."""
        return (WeightInfo(self._weight, text="nominal weight, cells resampled"),)

    def survey(self, batches: Iterable[EventBatch]) -> Mapping[str, float]:
        """Finds the cells.

        Returns:
            `cells`; their `cell_size_median` and `cell_size_largest` in events,
            `cell_radius_median` and `cell_radius_largest` in GeV; `negative_in` and
            `negative_out`, the shares of events of negative weight.
        """
        parts: list[EventObjects] = []
        keys: list[Words] = []
        weights: list[FloatArray] = []
        events, used = 0, 0.0
        for batch in batches:
            part = objects_of(batch, *self._jets)
            events += len(batch)
            # Objects, a padded copy, its sorted one and its sums, and the numbers of the event.
            used += 4 * part.place.nbytes + part.kind.nbytes + 80 * len(batch)
            if used > self._memory * GIGABYTE:
                message = (
                    f"event reweighter cell-resampler: the first {events} events take "
                    f"{used / GIGABYTE:.3g} GB; memory allows {self._memory:g} GB"
                )
                raise InputError(message)
            parts.append(part)
            keys.append(keys_of(batch))
            weights.append(np.array(batch.event["weight"], np.float64))
        if not events:
            self._keys, self._factors = np.zeros(0, np.uint64), np.zeros(0)
            return _figures(np.zeros(0), np.zeros(0), np.zeros(0), np.zeros(0))
        weight = np.concatenate(weights)
        bad = np.flatnonzero(~np.isfinite(weight))
        if len(bad):
            message = (
                f"event reweighter cell-resampler: event {bad[0] + 1}: weight {weight[bad[0]]} "
                "is no finite number"
            )
            raise InputError(message)
        factor, sizes, radii = self._resampled(weight, joined(parts))
        self._remember(np.concatenate(keys), factor)
        return _figures(weight, weight * factor, sizes, radii)

    def _resampled(
        self, weight: FloatArray, objects: EventObjects
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Factors of all events; sizes and radii of all cells."""
        factor = np.ones(len(weight))
        sizes, radii = [np.zeros(0)], [np.zeros(0)]
        for found in classes_of(objects):
            if not (weight[found.rows] < 0).any():
                continue
            group, edge = planted(found)
            mine = np.array(weight[group.rows])
            seeds = np.flatnonzero(mine < 0)
            order = seeds[np.argsort(mine[seeds], kind="stable")]
            own, size, radius = np.ones(len(mine)), np.zeros(len(seeds)), np.zeros(len(seeds))
            cells = resample(
                mine, group.place, group.jets, group.groups, group.sums, edge, order,
                self._largest_radius, self._largest_cell, own, size, radius, room(),
            )  # fmt: skip
            factor[group.rows] = own
            sizes.append(size[:cells])
            radii.append(radius[:cells])
        return factor, np.concatenate(sizes), np.concatenate(radii)

    def _remember(self, keys: Words, factor: FloatArray) -> None:
        # Copies of one event, equal in weight, too, share their mean factor: their sum stays.
        self._keys, inverse, copies = np.unique(keys, return_inverse=True, return_counts=True)
        self._factors = np.bincount(inverse, factor) / copies

    def factors(self, batch: EventBatch) -> FloatArray:
        """Factors of events of the sample, `(n, 1)`.

        Raises:
            InputError: if one was not in the sample that was looked at.
        """
        keys = keys_of(batch)
        place = np.minimum(np.searchsorted(self._keys, keys), max(len(self._keys) - 1, 0))
        known = self._keys[place] == keys if len(self._keys) else np.zeros(len(keys), np.bool_)
        if not known.all():
            row = int(np.flatnonzero(~known)[0])
            message = (
                f"event reweighter cell-resampler: event {row + 1} of {len(batch)} is none of the "
                f"{len(self._keys)} that the cells were made of"
            )
            raise InputError(message)
        return self._factors[place][:, np.newaxis]


def _figures(
    before: FloatArray, after: FloatArray, sizes: FloatArray, radii: FloatArray
) -> dict[str, float]:
    def of(values: FloatArray) -> tuple[float, float]:
        return (float(np.median(values)), float(values.max())) if len(values) else (0.0, 0.0)

    (size, largest), (radius, widest) = of(sizes), of(radii)
    events = max(len(before), 1)
    return {
        "cells": float(len(sizes)),
        "cell_size_median": size,
        "cell_size_largest": largest,
        "cell_radius_median": radius,
        "cell_radius_largest": widest,
        "negative_in": int(np.count_nonzero(before < 0)) / events,
        "negative_out": int(np.count_nonzero(after < 0)) / events,
    }


def make(
    context: BuildContext,
    *,
    weight: str,
    pt_weight: float,
    jet_radius: float,
    jet_pt: float,
    largest_cell: int,
    largest_radius: float | None,
    memory: float,
) -> CellResampler:
    """Builds the reweighter; see schemas/v1/components/cell-resampler.json for the options."""
    limit = np.inf if largest_radius is None else largest_radius
    return CellResampler(weight, (jet_radius, jet_pt, pt_weight), largest_cell, limit, memory)
