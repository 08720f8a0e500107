"""Library: a shared library behind UMAMI, loaded and asked what it can do."""

from __future__ import annotations

import ctypes
from enum import IntEnum
from typing import TYPE_CHECKING, NoReturn, TypeVar

from crosshook.adapters.umami.abi import (
    NOT_IMPLEMENTED,
    STATUS,
    SUCCESS,
    Device,
    Generation,
    Input,
    Meta,
    Output,
    status_name,
)
from crosshook.core.errors import ConfigurationError, InputError, NumericalError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NEEDED = ("umami_get_meta", "umami_initialize", "umami_matrix_element", "umami_free")
QUERY = "umami_supported_inputs"
QUERIES = (QUERY, "umami_required_inputs", "umami_supported_outputs")
MOST_LEGS = 64
"""Room for masses, whatever a library thinks its number of particles is."""

KeyT = TypeVar("KeyT", bound=IntEnum)


class Library:
    """One shared library.

    Attributes:
        path: where it is.
        generation: of its header.
    """

    def __init__(self, path: Path) -> None:
        """Loads it.

        Raises:
            InputError: if it is no shared library, or lacks a function of UMAMI.
        """
        self.path = path
        if not path.is_file():
            message = f"{path}: no such file; a UMAMI library is a shared library (.so, .dylib)"
            raise InputError(message)
        try:
            self._library = ctypes.CDLL(str(path.resolve()))
        except OSError as error:
            message = f"{path}: cannot be loaded: {error}"
            raise InputError(message) from error
        missing = [name for name in NEEDED if not hasattr(self._library, name)]
        if missing:
            message = f"{path}: no UMAMI library: it has no {' and no '.join(missing)}"
            raise InputError(message)
        self.generation: Generation = "2026" if hasattr(self._library, QUERY) else "2025"
        if self.generation == "2026":
            missing = [name for name in QUERIES if not hasattr(self._library, name)]
            if missing:
                message = f"{path}: it has {QUERY}, but no {' and no '.join(missing)}"
                raise InputError(message)
        self._declare()

    def _declare(self) -> None:
        handle, pointers = ctypes.c_void_p, ctypes.POINTER(ctypes.c_void_p)
        integers, size = ctypes.POINTER(ctypes.c_int), ctypes.c_size_t
        own = self._library
        own.umami_get_meta.argtypes = [ctypes.c_int, ctypes.c_void_p]
        own.umami_initialize.argtypes = [ctypes.POINTER(handle), ctypes.c_char_p]
        own.umami_free.argtypes = [handle]
        own.umami_matrix_element.argtypes = [
            *(handle, size, size, size),
            *(size, integers, pointers),
            *(size, integers, pointers),
        ]
        double = ctypes.c_double
        if hasattr(own, "umami_set_parameter"):
            own.umami_set_parameter.argtypes = [handle, ctypes.c_char_p, double, double]

    def meta(self, key: Meta) -> int | None:
        """A number the library tells of itself, or None if it does not.

        Raises:
            NumericalError: if asking fails.
        """
        result = ctypes.create_string_buffer(8 * MOST_LEGS)
        if not self._ask(key, result):
            return None
        return int(ctypes.cast(result, ctypes.POINTER(ctypes.c_int))[0])

    def masses(self, legs: int) -> tuple[float, ...] | None:
        """The masses of the legs in GeV, or None if the library does not tell."""
        if self.generation == "2025" or not 0 < legs <= MOST_LEGS:
            return None
        result = ctypes.create_string_buffer(8 * MOST_LEGS)
        if not self._ask(Meta.MASSES, result):
            return None
        return tuple(ctypes.cast(result, ctypes.POINTER(ctypes.c_double))[:legs])

    def _ask(self, key: Meta, result: ctypes.Array[ctypes.c_char]) -> bool:
        status = self._library.umami_get_meta(int(key), result)
        if status == SUCCESS:
            return True
        names = STATUS[self.generation]
        if status == NOT_IMPLEMENTED or (status < len(names) and names[status].endswith("META")):
            return False
        self._refuse(f"umami_get_meta({key.name})", status)

    def device(self) -> Device:
        """Where it computes; the CPU if it does not tell.

        Raises:
            InputError: if it names a device there is not.
        """
        number = self.meta(Meta.DEVICE)
        try:
            return Device(number or 0)
        except ValueError:
            message = f"{self.path}: computes on device {number}; known are 0 CPU, 1 CUDA, 2 HIP"
            raise InputError(message) from None

    def supported_inputs(self) -> frozenset[Input] | None:
        """What it takes; None if it cannot tell."""
        return self._flags("umami_supported_inputs", Input)

    def required_inputs(self) -> frozenset[Input] | None:
        """What it must be given; None if it cannot tell."""
        return self._flags("umami_required_inputs", Input)

    def supported_outputs(self) -> frozenset[Output] | None:
        """What it gives; None if it cannot tell."""
        return self._flags("umami_supported_outputs", Output)

    def _flags(self, function: str, kind: type[KeyT]) -> frozenset[KeyT] | None:
        if self.generation == "2025":
            return None
        flags, count = ctypes.POINTER(ctypes.c_bool)(), ctypes.c_int()
        call = getattr(self._library, function)
        status = call(ctypes.byref(flags), ctypes.byref(count))
        if status != SUCCESS:
            self._refuse(function, status)
        known = min(count.value, len(kind))  # a later header may have more of them
        return frozenset(kind(number) for number in range(known) if flags[number])

    def initialize(self, card: str) -> ctypes.c_void_p:
        """A new handle.

        Args:
            card: path of the parameter card, or what the library takes in its place.

        Raises:
            InputError: if the library refuses.
        """
        handle = ctypes.c_void_p()
        status = self._library.umami_initialize(ctypes.byref(handle), card.encode())
        if status != SUCCESS:
            name = status_name(status, self.generation)
            message = f"{self.path}: umami_initialize with the card {card!r} gave {name}"
            raise InputError(message)
        return handle

    def free(self, handle: ctypes.c_void_p) -> None:
        """Gives a handle back."""
        self._library.umami_free(handle)

    def set_parameter(self, handle: ctypes.c_void_p, name: str, value: float) -> None:
        """Sets a model parameter.

        Raises:
            ConfigurationError: if the library cannot.
        """
        if not hasattr(self._library, "umami_set_parameter"):
            message = f"{self.path}: parameters.{name}: the library lets no parameter be set"
            raise ConfigurationError(message)
        status = self._library.umami_set_parameter(handle, name.encode(), value, 0.0)
        if status != SUCCESS:
            reason = status_name(status, self.generation)
            message = f"{self.path}: parameters.{name}: setting it to {value} gave {reason}"
            raise ConfigurationError(message)

    def matrix_element(
        self,
        handle: ctypes.c_void_p,
        count: int,
        stride: int,
        inputs: Sequence[tuple[Input, int]],
        outputs: Sequence[tuple[Output, int]],
    ) -> int:
        """Evaluates points and gives the status.

        Args:
            handle: of this thread.
            count: points.
            stride: distance of two rows of an array of structures.
            inputs: keys with addresses.
            outputs: likewise.
        """
        arrays = []
        for pairs in (inputs, outputs):
            n = len(pairs)
            arrays += [
                (ctypes.c_int * n)(*(int(key) for key, _ in pairs)),
                (ctypes.c_void_p * n)(*(address for _, address in pairs)),
            ]
        return int(
            self._library.umami_matrix_element(
                handle,
                count,
                stride,
                0,
                *(len(inputs), arrays[0], arrays[1]),
                *(len(outputs), arrays[2], arrays[3]),
            )
        )

    def _refuse(self, call: str, status: int) -> NoReturn:
        message = f"{self.path}: {call} gave {status_name(status, self.generation)}"
        raise NumericalError(message)
