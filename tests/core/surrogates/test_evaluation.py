"""Figures of a surrogate: against their definitions, and the second stage against random numbers."""

from __future__ import annotations

import math
from dataclasses import replace

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
