"""The compiled library: one call for many points, through ctypes."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from crosshook import ConfigurationError
from crosshook.core.errors import NumericalError

if TYPE_CHECKING:
    from torch import Tensor

FUNCTION = "diphoton_squared"


class DiphotonLibrary:
    """`long diphoton_squared(long n, const double *momenta, const double *alpha, double *value)`."""

    def __init__(self, path: str) -> None:
        """Loads the library.

        Raises:
            ConfigurationError: if there is none at the path, or not with that function.
        """
        self._path = path
        try:
            # Without a slash the loader would look in system folders.
            self._function = getattr(ctypes.CDLL(str(Path(path).absolute())), FUNCTION)
        except (OSError, AttributeError) as error:
            message = f"clib: {path}: no library with a function {FUNCTION}: {error}"
            raise ConfigurationError(message) from error
        self._function.argtypes = [ctypes.c_long, *[ctypes.c_void_p] * 3]
        self._function.restype = ctypes.c_long

    def squared(self, momenta: Tensor, alpha: Tensor) -> Tensor:
        """|M|² `(n,)` of momenta `(n, 4, 4)` with couplings `(n,)`.

        Raises:
            NumericalError: if the library refuses a point.
        """
        # These names keep the memory alive that the pointers lead to.
        given = momenta.detach().to(torch.float64).contiguous()
        coupling = alpha.detach().to(torch.float64).contiguous()
        value = torch.empty(len(given), dtype=torch.float64, device=given.device)
        n = self._function(len(given), given.data_ptr(), coupling.data_ptr(), value.data_ptr())
        if n != len(given):
            message = f"{self._path}: {FUNCTION} stops at {given[n].tolist()}"
            raise NumericalError(message)
        return value
