"""Checks of parton densities: columns and couplings as announced, and the momentum sum."""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.testkit.compare import first_row, show_row
from crosshook.core.testkit.exercise import Exercise
from crosshook.core.testkit.finding import Finding
from crosshook.core.testkit.shrink import with_smallest
from crosshook.core.testkit.subject import Case

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from crosshook.core.interfaces.parton_density import PartonDensity
    from crosshook.core.testkit.subject import Subject

CASE = Case()
CASES = (CASE,)
ROWS = (0, 1, 1000)
MOMENTUM = 0.05
"""Deviation of the momentum sum from 1 that fits leave, modified leading order ones above all."""


def density_of(subject: Subject) -> PartonDensity:
    """The set, built once."""
    return cast("PartonDensity", subject.built(CASE))


def points(subject: Subject, n: int) -> dict[str, Tensor]:
    """x and Q, uniform in their logarithms over the set's range."""
    density = density_of(subject)
    rng = subject.generator(f"parton/{n}")
    numbers = torch.rand((n, 2), generator=rng, dtype=torch.float64, device="cpu")
    x = (math.log(density.x_min) * numbers[:, 0]).exp()
    low, high = math.log(density.q_min), math.log(density.q_max)
    q = (low + (high - low) * numbers[:, 1]).exp()
    return {"x": x.to(subject.device), "q": q.to(subject.device)}


def _xf(built: object, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    density = cast("PartonDensity", built)
    xf = density.xf(inputs["x"], inputs["q"], 0)
    return {"xf": xf, "alpha_s": density.alpha_s(inputs["q"], 0)}


def exercises(subject: Subject) -> Iterator[Exercise]:
    """xf and alpha_s together."""
    density = density_of(subject)
    for n in ROWS:
        yield Exercise(
            "xf and alpha_s",
            CASE,
            density,
            partial(subject.build, CASE),
            points(subject, n),
            _xf,
            {"xf": (len(density.flavours),), "alpha_s": ()},
            simple=simple(density),
        )


def densities_and_coupling_are_sane(subject: Subject) -> Iterator[Finding]:
    """Within the grid xf is finite, 0 < α_s < 2 and α_s falls with Q; at x = 1 xf is 0 up to
    rounding of the grid.
    """
    density = density_of(subject)
    finding = with_smallest(partial(_insane, density), points(subject, 1000), simple(density))
    if finding is not None:
        yield finding
    end = {name: torch.ones_like(value) for name, value in points(subject, 1).items()}
    end["q"] = 10.0 * end["q"]
    finding = with_smallest(partial(_left_at_the_end, density), end)
    if finding is not None:
        yield finding


def _insane(density: PartonDensity, inputs: Mapping[str, Tensor]) -> Finding | None:
    found = _xf(density, inputs)
    place = CASE.rows(len(inputs["q"]))
    bad = {
        "xf": ~found["xf"].isfinite(),
        "alpha_s": ~((found["alpha_s"] > 0) & (found["alpha_s"] < 2)),
    }
    for name, where in bad.items():
        row = first_row(where)
        if row >= 0:
            message = f"{name} is {found[name][row].tolist()}"
            return Finding(message, place, show_row(inputs, row))
    order = inputs["q"].argsort()
    running = found["alpha_s"][order]
    row = first_row((running[1:] - running[:-1]) > 1e-3 * running[:-1])
    if row < 0:
        return None
    low, high = (float(inputs["q"][order][row + i]) for i in (0, 1))
    before, after = (float(running[row + i]) for i in (0, 1))
    message = f"alpha_s rises with Q: {before:.6g} at {low:.6g} GeV, {after:.6g} at {high:.6g} GeV"
    return Finding(message, place)


def _left_at_the_end(density: PartonDensity, inputs: Mapping[str, Tensor]) -> Finding | None:
    end = density.xf(inputs["x"], inputs["q"], 0)
    if float(end.abs().max()) < 1e-6:
        return None
    return Finding(f"xf at x = 1 is {end[0].tolist()}, not 0", CASE.rows(1), show_row(inputs, 0))


def simple(density: PartonDensity) -> dict[str, tuple[float, ...]]:
    """What the smallest input of a finding may be made of, within the set's range."""
    return {
        "x": tuple(x for x in (0.5, 0.1, 0.01) if x > density.x_min),
        "q": tuple(q for q in (100.0, 10.0, 2.0) if density.q_min < q < density.q_max),
    }


def flavours_are_named_once(subject: Subject) -> Iterator[Finding]:
    """flavours holds distinct PDG ids with the gluon (21) among them; the range of x and Q is not
    empty and there is a central member.
    """
    density = density_of(subject)
    if len(set(density.flavours)) != len(density.flavours) or 21 not in density.flavours:
        yield Finding(f"flavours are {density.flavours}: wanted distinct ids and 21 among them")
    if not (0.0 < density.x_min < 1.0 and 0.0 < density.q_min < density.q_max):
        yield Finding(
            f"empty range: x from {density.x_min:g}, Q from {density.q_min:g} to {density.q_max:g}"
        )
    if density.n_members < 1:
        yield Finding(f"{density.n_members} members; the central one is always there")


def momentum_adds_up(subject: Subject) -> Iterator[Finding]:
    """Σ_f ∫ x f(x, Q) dx = 1 within 5 % over the set's range of x, at Q = 10 and 100 GeV."""
    density = density_of(subject)
    edges = torch.linspace(
        math.log(density.x_min), 0.0, 4001, dtype=torch.float64, device=subject.device
    )
    x = edges.exp()
    for scale in (10.0, 100.0):
        if not density.q_min <= scale <= density.q_max:
            continue
        total = density.xf(x, torch.full_like(x, scale), 0).sum(dim=1)
        carried = float(torch.trapezoid(total * x, edges))
        if not abs(carried - 1.0) < MOMENTUM:
            message = f"partons carry {carried:.4f} of the momentum at Q = {scale:g} GeV"
            shares = torch.trapezoid(density.xf(x, torch.full_like(x, scale), 0).T * x, edges)
            given = ", ".join(
                f"{float(share):.4f} by {flavour}"
                for flavour, share in zip(density.flavours, shares, strict=False)
            )
            yield Finding(message, CASE.rows(4001), given, {"momentum": carried})
            return


CHECKS = (flavours_are_named_once, densities_and_coupling_are_sane, momentum_adds_up)
