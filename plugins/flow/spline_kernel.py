"""The splines of `spline` in one pass over the points, for the CPU; compiled on first use.

Shares and slopes may be float32 while everything else is float64: the Jacobian is that of the map
as it is computed.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numba
import torch

from crosshook.plugins.flow import spline
from crosshook.plugins.flow.spline import FLATTEST, NARROWEST, SHIFT, shares

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    Floats = NDArray[Any]

compiled = numba.njit(cache=True, nogil=True, error_model="numpy", boundscheck=False)
LINEAR = 30.0
"""Above this softplus(t) is t."""


@compiled
def _softplus(t: float) -> float:
    return t if t > LINEAR else math.log1p(math.exp(t))


@compiled
def _find(position: float, share: Floats, scale: float) -> tuple[int, float, float]:
    """Number, lower end and size of the bin at a position, from the bins' shares."""
    last = share.shape[0] - 1
    low = 0.0
    for j in range(last):
        size = share[j] * scale + NARROWEST
        if position < low + size:
            return j, low, size
        low += size
    return last, low, 1.0 - low


@compiled
def _place(number: int, share: Floats, scale: float) -> tuple[float, float]:
    """Lower end and size of a bin given by its number."""
    low = 0.0
    for j in range(number):
        low += share[j] * scale + NARROWEST
    size = 1.0 - low if number == share.shape[0] - 1 else share[number] * scale + NARROWEST
    return low, size


@compiled
def _inside(share: float, mean: float, d0: float, d1: float) -> tuple[float, float, float]:
    """ξ(1 - ξ), the denominator of y, and log dy/dx at a share ξ of a bin's width."""
    rest = 1.0 - share
    product = share * rest
    below = mean + (d0 + d1 - 2 * mean) * product
    above = d1 * share * share + 2 * mean * product + d0 * rest * rest
    return product, below, math.log(mean * mean * above / (below * below))


@compiled
def _forward(
    x: Floats, widths: Floats, heights: Floats, slopes: Floats, y: Floats, log_slope: Floats
) -> None:
    scale = 1.0 - widths.shape[1] * NARROWEST
    for n in range(x.shape[0]):
        b, left, width = _find(x[n], widths[n], scale)
        lower, height = _place(b, heights[n], scale)
        d0 = _softplus(slopes[n, b] + SHIFT) + FLATTEST
        d1 = _softplus(slopes[n, b + 1] + SHIFT) + FLATTEST
        mean = height / width
        inside = min(max((x[n] - left) / width, 0.0), 1.0)
        product, below, log_slope[n] = _inside(inside, mean, d0, d1)
        y[n] = min(lower + height * (mean * inside * inside + d0 * product) / below, 1.0)


@compiled
def _inverse(
    y: Floats, widths: Floats, heights: Floats, slopes: Floats, x: Floats, log_slope: Floats
) -> None:
    scale = 1.0 - widths.shape[1] * NARROWEST
    for n in range(y.shape[0]):
        b, lower, height = _find(y[n], heights[n], scale)
        left, width = _place(b, widths[n], scale)
        d0 = _softplus(slopes[n, b] + SHIFT) + FLATTEST
        d1 = _softplus(slopes[n, b + 1] + SHIFT) + FLATTEST
        mean = height / width
        bend = d0 + d1 - 2 * mean
        above = y[n] - lower
        quadratic = height * (mean - d0) + above * bend
        linear = height * d0 - above * bend
        constant = -mean * above
        root = math.sqrt(max(linear * linear - 4 * quadratic * constant, 0.0))
        inside = min(max(2 * constant / (-linear - root), 0.0), 1.0)
        if y[n] >= 1.0:
            inside = 1.0
        x[n] = min(left + inside * width, 1.0)
        _, _, log_slope[n] = _inside(inside, mean, d0, d1)


@compiled
def _softmax_gradient(
    share: Floats, number: int, of_low: float, of_size: float, scale: float, out: Floats
) -> None:
    """Gradient with respect to raw sizes, given those of the bin's lower end and size."""
    last = share.shape[0] - 1
    if number == last:
        # The last bin is what the others leave of 1.
        of_low, of_size = of_low - of_size, 0.0
    below = 0.0
    for j in range(number):
        below += share[j]
    mean = scale * (of_low * below + of_size * share[number])
    for j in range(number):
        out[j] = share[j] * (scale * of_low - mean)
    out[number] = share[number] * (scale * of_size - mean)
    for j in range(number + 1, last + 1):
        out[j] = -share[j] * mean


@compiled
def _gradient(
    x: Floats,
    widths: Floats,
    heights: Floats,
    slopes: Floats,
    of_y: Floats,
    of_log: Floats,
    of_raw: Floats,
    of_x: Floats,
) -> None:
    bins = widths.shape[1]
    scale = 1.0 - bins * NARROWEST
    for n in range(x.shape[0]):
        b, left, width = _find(x[n], widths[n], scale)
        _, height = _place(b, heights[n], scale)
        t0, t1 = slopes[n, b] + SHIFT, slopes[n, b + 1] + SHIFT
        d0, d1 = _softplus(t0) + FLATTEST, _softplus(t1) + FLATTEST
        mean = height / width
        inside = min(max((x[n] - left) / width, 0.0), 1.0)
        rest = 1.0 - inside
        product = inside * rest
        bend = d0 + d1 - 2 * mean
        below = mean + bend * product
        top = mean * inside * inside + d0 * product
        above = d1 * inside * inside + 2 * mean * product + d0 * rest * rest
        gy, gl = of_y[n], of_log[n]
        g_top = gy * height / below
        g_below = -gy * height * top / (below * below) - 2 * gl / below
        g_above = gl / above
        g_mean = (
            2 * gl / mean
            + 2 * g_above * product
            + g_top * inside * inside
            + g_below * (1 - 2 * product)
        )
        g0 = g_above * rest * rest + (g_top + g_below) * product
        g1 = g_above * inside * inside + g_below * product
        g_inside = (
            g_above * 2 * (d1 * inside + mean * (1 - 2 * inside) - d0 * rest)
            + g_top * (2 * mean * inside + d0 * (1 - 2 * inside))
            + g_below * bend * (1 - 2 * inside)
        )
        g_height = gy * top / below + g_mean / width
        g_width = -(g_mean * mean + g_inside * inside) / width
        of_x[n] = g_inside / width
        row = of_raw[n]
        _softmax_gradient(widths[n], b, -g_inside / width, g_width, scale, row[:bins])
        _softmax_gradient(heights[n], b, gy, g_height, scale, row[bins : 2 * bins])
        row[2 * bins :] = 0.0
        row[2 * bins + b] = g0 / (1.0 + math.exp(-t0))
        row[2 * bins + b + 1] = g1 / (1.0 + math.exp(-t1))


def _prepared(position: Tensor, raw: Tensor, bins: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    flat = raw.detach().reshape(-1, raw.shape[-1])
    widths, heights = shares(flat, bins)
    return position.detach().reshape(-1).contiguous(), widths, heights, flat[:, 2 * bins :]


class ToUniform(torch.autograd.Function):
    """`spline.to_uniform` with its gradient by hand."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, raw: Tensor, bins: int) -> tuple[Tensor, Tensor]:
        """y and log dy/dx."""
        flat, widths, heights, slopes = _prepared(x, raw, bins)
        y, log_slope = torch.empty_like(flat), torch.empty_like(flat)
        _forward(*(t.numpy() for t in (flat, widths, heights, slopes, y, log_slope)))
        ctx.save_for_backward(x, raw, widths, heights, slopes)
        ctx.bins = bins
        return y.view(x.shape), log_slope.view(x.shape)

    @staticmethod
    def backward(
        ctx: Any, of_y: Tensor, of_log: Tensor
    ) -> tuple[Tensor | None, Tensor | None, None]:
        """Gradients with respect to x and the raw numbers.

        Whoever wants to differentiate them again gets them from the formula in torch.
        """
        x, raw, widths, heights, slopes = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *_again(x, raw, ctx.bins, of_y, of_log), None
        flat = x.reshape(-1).contiguous()
        of_raw = torch.empty((flat.shape[0], raw.shape[-1]), dtype=raw.dtype, device=flat.device)
        of_x = torch.empty_like(flat)
        down = [g.reshape(-1).contiguous() for g in (of_y, of_log)]
        arrays = (flat, widths, heights, slopes, *down, of_raw, of_x)
        _gradient(*(t.detach().numpy() for t in arrays))
        return of_x.view(x.shape), of_raw.view(raw.shape), None


def _again(
    x: Tensor, raw: Tensor, bins: int, of_y: Tensor, of_log: Tensor
) -> tuple[Tensor | None, Tensor | None]:
    """The same gradients as functions of everything they depend on."""
    wanted = [t for t in (x, raw) if t.requires_grad]
    found = iter(
        torch.autograd.grad(
            spline.to_uniform(x, raw, bins), wanted, (of_y, of_log), create_graph=True
        )
    )
    return (
        next(found) if x.requires_grad else None,
        next(found) if raw.requires_grad else None,
    )


def from_uniform(y: Tensor, raw: Tensor, bins: int) -> tuple[Tensor, Tensor]:
    """`spline.from_uniform` without gradients."""
    flat, widths, heights, slopes = _prepared(y, raw, bins)
    x, log_slope = torch.empty_like(flat), torch.empty_like(flat)
    _inverse(*(t.numpy() for t in (flat, widths, heights, slopes, x, log_slope)))
    return x.view(y.shape), log_slope.view(y.shape)
