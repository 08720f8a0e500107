"""Colour flows: shape, and the weights of gg -> tt̄ against colour-ordered amplitudes."""

from __future__ import annotations

import gzip
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import torch

if TYPE_CHECKING:
    from typing import Any

    from crosshook.core.interfaces.process import Process


def test_every_line_ends_where_it_began(process: Process) -> None:
    for each in process.matrix_element().subprocesses:
        for flow in each.colour_flows:
            assert len(flow) == len(each.pdg)
            # an incoming colour is an outgoing anticolour
            out = sorted(
                line
                for leg, (colour, anti) in enumerate(flow)
                for line in ((colour,) if leg >= 2 else (anti,))
                if line
            )
            back = sorted(
                line
                for leg, (colour, anti) in enumerate(flow)
                for line in ((anti,) if leg >= 2 else (colour,))
                if line
            )
            assert out == back, each.label
            for pdg, (colour, anti) in zip(each.pdg, flow, strict=True):
                coloured = {21: (True, True)}.get(pdg, (1 <= pdg <= 6, -6 <= pdg <= -1))
                assert (colour > 0, anti > 0) == coloured


def test_weights_have_one_column_per_flow(process: Process, sample: Any) -> None:
    momenta = sample(process, 10).momenta
    element = process.matrix_element()
    alpha_s = torch.full((10,), 0.118, dtype=torch.float64)
    for index, each in enumerate(element.subprocesses):
        colour = element.squared(momenta, index, alpha_s, want=("colour",)).colour
        assert colour is not None
        assert colour.shape == (10, len(each.colour_flows))
        assert (colour > 0).all()
        assert element.squared(momenta, index, alpha_s).colour is None


def test_flow_weights_are_the_squares_of_colour_ordered_amplitudes(build: Any) -> None:
    """Share of the first flow from MadGraph's own JAMPs (ALOHA routines, Γ_t = 0, m_t = 173)."""
    momentum = math.sqrt(500.0**2 - 173.0**2)
    momenta = torch.tensor(
        [
            [
                [129.73610414, 0.0, 0.0, 129.73610414],
                [332.972112, 0.0, 0.0, -332.972112],
                [179.04631147, -25.264209343, 34.424597237, 17.471361736],
                [283.66190467, 25.264209343, -34.424597237, -220.70736959],
            ],
            [
                [500.0, 0.0, 0.0, 500.0],
                [500.0, 0.0, 0.0, -500.0],
                [500.0, 0.6 * momentum, 0.0, 0.8 * momentum],
                [500.0, -0.6 * momentum, 0.0, -0.8 * momentum],
            ],
        ],
        dtype=torch.float64,
    )
    element = build("pp-ttbar", mass_t=173.0).matrix_element()
    alpha_s = torch.full((2,), 0.118, dtype=torch.float64)
    colour = element.squared(momenta, 0, alpha_s, want=("colour",)).colour
    share = colour[:, 0] / colour.sum(1)
    # the first point comes from a file with eleven digits
    assert share.tolist() == pytest.approx([0.9069271100135515, 0.9801051342762293], rel=1e-10)


def test_top_takes_its_colour_from_the_gluon_it_follows(build: Any, sample: Any) -> None:
    process = build("pp-ttbar")
    momenta = sample(process, 2000).momenta
    p1, p2, k3, _ = momenta.unbind(1)
    to_first, to_second = ((a[:, 0] * k3[:, 0] - (a * k3)[:, 1:].sum(1)) for a in (p1, p2))
    alpha_s = torch.full((2000,), 0.118, dtype=torch.float64)
    element = process.matrix_element()
    colour = element.squared(momenta, 0, alpha_s, want=("colour",)).colour
    near = to_first < to_second
    assert torch.equal(colour[:, 0] > colour[:, 1], near)
    first, second = element.subprocesses[0].colour_flows
    assert first[2][0] == first[0][0]
    assert second[2][0] == second[1][0]


def test_flow_frequencies_in_a_madgraph_file(build: Any) -> None:
    """MadGraph picks flows per diagram, which moves frequencies by a few per cent; not the pole."""
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if folder is None:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set")
    momenta, first = [], []
    path = Path(folder) / "lhe" / "madgraph" / "gg_tt.lhe.gz"
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            if line.startswith("<event>"):
                next(lines)
                legs = [next(lines).split() for _ in range(4)]
                momenta.append([[float(leg[i]) for i in (9, 6, 7, 8)] for leg in legs])
                # the top's colour line begins in gluon 1
                first.append(legs[2][4] == legs[0][4])
    p = torch.tensor(momenta, dtype=torch.float64)
    element = build("pp-ttbar", mass_t=173.0).matrix_element()
    alpha_s = torch.full((len(p),), 0.118, dtype=torch.float64)
    colour = element.squared(p, 0, alpha_s, want=("colour",)).colour
    share = colour[:, 0] / colour.sum(1)
    found = torch.tensor(first, dtype=torch.float64)
    bins = torch.bucketize(share, torch.linspace(0.1, 0.9, 9, dtype=torch.float64))
    for index in range(10):
        rows = bins == index
        n = int(rows.sum())
        expected, observed = float(share[rows].mean()), float(found[rows].mean())
        error = math.sqrt(max(expected * (1 - expected), 0.01) / n)
        assert abs(observed - expected) < 0.03 + 5 * error, index
