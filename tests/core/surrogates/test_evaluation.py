"""Figures of a surrogate: against their definitions, and the second stage against random numbers."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from crosshook.core.errors import InputError
from crosshook.core.interfaces.amplitude_surrogate import Prediction
from crosshook.core.statistics import maximum_weight
from crosshook.core.surrogates.evaluation import SHARE, evaluate_surrogate, second_stage
from crosshook.core.surrogates.training_set import AmplitudeTable, TableSource, joined

N = 20_000


class Off:
    """Predicts |M|² times what it is told, with a constant error."""

    def __init__(self, table: AmplitudeTable, residual: torch.Tensor, log_std: float) -> None:
        self._log_abs = table.amplitude.abs().log() + residual
        self._log_std = log_std

    def predict(
        self,
        momenta: torch.Tensor,
        process: torch.Tensor,
        alpha_s: torch.Tensor,
        condition: torch.Tensor | None = None,
    ) -> Prediction:
        log_abs = self._log_abs[: len(alpha_s)]
        return Prediction(
            log_abs, torch.ones_like(log_abs), torch.full_like(log_abs, self._log_std)
        )


def a_table(n: int = N) -> AmplitudeTable:
    rng = torch.Generator().manual_seed(7)
    value = torch.rand(n, generator=rng, dtype=torch.float64) ** 3 + 1e-6
    zeros = torch.zeros(n, dtype=torch.int64)
    one = torch.ones(n, dtype=torch.float64)
    momenta = torch.zeros((n, 4, 4), dtype=torch.float64)
    return AmplitudeTable(momenta, zeros, one, value, one, ((21,) * 4,), (2,))


def test_figures_of_known_deviations() -> None:
    table = a_table()
    rng = torch.Generator().manual_seed(8)
    residual = 0.01 * torch.randn(N, generator=rng, dtype=torch.float64)
    found = evaluate_surrogate(Off(table, residual, math.log(0.01)), table)
    # Quantiles of |x|, x Gaussian: 0.6745 and 2.576; exp(x) - 1 differs by x²/2.
    assert abs(found.deviations.median / 0.006745 - 1) < 0.03
    assert abs(found.deviations.q99 / 0.02576 - 1) < 0.05
    assert found.pull_width is not None
    assert abs(found.pull_width - 1) < 5 * 0.962 / math.sqrt(N)
    assert found.pull_rms is not None
    assert abs(found.pull_rms - 1) < 5 / math.sqrt(2 * N)
    for within, expected, share in found.coverage:
        assert abs(share - expected) < 5 * math.sqrt(expected * (1 - expected) / N) + 1e-4
        assert abs(expected - math.erf(within / math.sqrt(2))) < 1e-14
    assert sum(found.spectrum) == found.n == N
    assert found.extrapolated is None
    assert found.negative == found.wrong_sign == 0
    assert found.efficiency_error > 0


def test_deviations_by_points_and_by_weights() -> None:
    """800 of 10,000 points have 40/86 of the sum of weights; they are off by 5 %, others by 1 %."""
    table = a_table(10_000)
    few = torch.arange(10_000) % 25 < 2
    value = torch.where(few, 2.5, 0.5).double()
    weight = torch.where(few, 2.0, 1.0).double()
    table = replace(table, amplitude=value, weight=weight)
    residual = torch.where(few, math.log(1.05), math.log(1.01)).double()
    found = evaluate_surrogate(Off(table, residual, 0.0), table)
    shares = [float(np.average(few, weights=w)) for w in (np.ones(10_000), value * weight)]
    assert shares == pytest.approx([0.08, 40 / 86])
    one, two = pytest.approx(0.01), pytest.approx(0.05)
    plain, weighted = found.deviations, found.weighted
    assert (plain.median, plain.q90, plain.q99, plain.largest) == (one, one, two, two)
    assert (weighted.median, weighted.q90, weighted.q99, weighted.largest) == (one, two, two, two)


def test_error_of_the_second_stage_is_its_scatter() -> None:
    """ε₂ of 100 tables of 1000 points: the mean square of their errors is their variance, within 5
    standard errors: √(2/99) for the variance, √(2/19)/√100 for 20 groups each.
    """
    found = []
    for number in range(100):
        rng = torch.Generator().manual_seed(100 + number)
        table = a_table(1000)
        value = torch.rand(1000, generator=rng, dtype=torch.float64) ** 3 + 1e-6
        table = replace(table, amplitude=value)
        residual = 0.2 * torch.randn(1000, generator=rng, dtype=torch.float64)
        found.append(evaluate_surrogate(Off(table, residual, 0.0), table))
    scatter = float(np.var([each.efficiency for each in found], ddof=1))
    claimed = float(np.mean([each.efficiency_error**2 for each in found]))
    assert abs(claimed / scatter - 1) < 5 * math.sqrt(2 / 99 + 2 / 1900)


def test_the_second_stage_is_what_random_numbers_keep() -> None:
    """Both stages played out once: the share kept, and Kish's fraction of the weights carried."""
    rng = torch.Generator().manual_seed(9)
    w = torch.rand(N, generator=rng, dtype=torch.float64) ** 4
    residual = 0.3 * torch.randn(N, generator=rng, dtype=torch.float64)
    efficiency, kish = second_stage(w, residual)
    s = w * residual.exp()
    s_max = maximum_weight(s.numpy(), "excess-share", SHARE)
    one, two = torch.rand((2, N), generator=rng, dtype=torch.float64)
    passed = one < s / s_max
    z = (s / s_max).clamp(min=1) * (-residual).exp()
    counts = (s / s_max).clamp(max=1)
    x_max = maximum_weight(z.numpy(), "excess-share", SHARE, counts=counts.numpy())
    kept = passed & (two < z / x_max)
    share = float(kept.sum() / passed.sum())
    assert abs(share - efficiency) < 5 * math.sqrt(share * (1 - share) / float(passed.sum()))
    final = (z / x_max).clamp(min=1)[kept]
    assert abs(float(final.sum() ** 2 / (len(final) * final.square().sum())) - kish) < 0.02
    # Nothing is lost on the average: the sum of all weights comes out again.
    out = float((final * s_max * x_max).sum())
    spread = s_max * x_max * float(final.square().sum().sqrt())
    assert abs(out - float(w.sum())) < 5 * spread


def test_a_perfect_surrogate_keeps_all() -> None:
    table = a_table()
    found = evaluate_surrogate(Off(table, torch.zeros(N, dtype=torch.float64), 0.0), table)
    assert found.deviations.largest < 1e-12
    assert found.efficiency > 1 - 2 * SHARE


def test_zeros_are_counted_and_signs_compared() -> None:
    table = a_table(100)
    value = table.amplitude.clone()
    value[:10] = 0
    value[10:30] *= -1
    table = replace(table, amplitude=value)
    kept = table.select(slice(10, None))
    found = evaluate_surrogate(Off(kept, torch.zeros(90, dtype=torch.float64), 0.0), table)
    assert (found.n, found.zeros) == (90, 10)
    assert found.negative == found.wrong_sign == pytest.approx(20 / 90)
    with pytest.raises(InputError, match="no point with"):
        evaluate_surrogate(Off(kept, torch.zeros(90), 0.0), table.select(slice(0, 10)))


def test_tables_hold_together() -> None:
    table = a_table(10)
    with pytest.raises(InputError, match="process has 9 rows, amplitude 10"):
        replace(table, process=table.process[:9])
    with pytest.raises(InputError, match="momenta of shape"):
        replace(table, pdg=((21,) * 5,))
    with pytest.raises(InputError, match="2 powers of α_s for 1 pdg"):
        replace(table, qcd_order=(2, 2))
    with pytest.raises(InputError, match=r"qcd_order \(3,\) and \(2,\)"):
        joined([table, replace(table, qcd_order=(3,))])
    with pytest.raises(InputError, match="there are no points"):
        joined([])
    assert len(joined([table, table])) == 20
    source = TableSource(table)
    assert [len(source.draw(6)), len(source.draw(6)), len(source.draw(6))] == [6, 4, 0]
    assert source.evaluations == 10
    reduced = replace(table, alpha_s=torch.full_like(table.alpha_s, 0.1)).log_reduced()
    torch.testing.assert_close(reduced, (table.amplitude / 0.01).log())
