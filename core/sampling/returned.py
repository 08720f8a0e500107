"""What a user's function gave back: made a float64 tensor, or refused in one clear line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

import numpy as np
import torch

from crosshook.core.errors import IntegrandError

if TYPE_CHECKING:
    from torch import Tensor

TYPES = {"torch": "torch tensor", "numpy": "numpy array"}
OTHER = {"torch": "numpy", "numpy": "torch"}
AS_FLOAT = {"torch": ".to(torch.float64)", "numpy": ".astype(numpy.float64)"}


def real_tensor(
    given: object, name: str, shape: tuple[int, ...], u: Tensor, backend: str
) -> Tensor:
    """An array of a user's function as a float64 tensor.

    float32 is taken and widened; integers, truth values and complex numbers are more likely
    mistakes and are refused.

    Args:
        given: what came back.
        name: what it should be, for messages.
        shape: it must have.
        u: the points it belongs to, `(n, d)`.
        backend: `torch` or `numpy`.

    Raises:
        IntegrandError: with what was given and what is allowed.
    """
    if isinstance(given, float | int | complex | np.generic):
        _refuse(f"{name} is a single {type(given).__name__}", shape, u)
    kind = torch.Tensor if backend == "torch" else np.ndarray
    if not isinstance(given, kind):
        hint = ""
        if isinstance(given, torch.Tensor | np.ndarray):
            hint = f"; say backend={OTHER[backend]!r} for a function of {OTHER[backend]} arrays"
        message = f"integrand: {name} is a {type(given).__name__}, not a {TYPES[backend]}{hint}"
        raise IntegrandError(message)
    if tuple(given.shape) != shape:
        _refuse(f"{name} has shape {tuple(given.shape)}", shape, u)
    dtype = str(given.dtype).removeprefix("torch.")
    if dtype not in ("float64", "float32"):
        message = (
            f"integrand: {name} is of type {dtype}; float64 is needed (float32 is widened): "
            f"take the real part if it is complex, or convert it with {AS_FLOAT[backend]}"
        )
        raise IntegrandError(message)
    if isinstance(given, np.ndarray):
        return torch.from_numpy(np.array(given, np.float64)).to(u.device)
    assert isinstance(given, torch.Tensor)
    if given.device != u.device:
        message = f"integrand: {name} is on {given.device}, the points are on {u.device}"
        raise IntegrandError(message)
    return given.to(torch.float64)


def _refuse(what: str, shape: tuple[int, ...], u: Tensor) -> NoReturn:
    hint = ""
    if what.startswith("value"):
        hint = "; the function is called with all points at once, u[:, 0] is the first coordinate"
    message = f"integrand: {what}, not {shape} for the {u.shape[0]} points{hint}"
    raise IntegrandError(message)
