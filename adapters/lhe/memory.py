"""Writing to memory by address, compiled: an array handed to a function costs more than a number.

Addresses come from `numpy.ndarray.ctypes.data`; who takes one keeps the array alive and large
enough.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

if TYPE_CHECKING:
    from collections.abc import Callable

Function = TypeVar("Function", bound="Callable[..., Any]")


def compiled(
    signature: str | None = None, *, inline: bool = False, cache: bool = True
) -> Callable[[Function], Function]:
    """Compiles the function below; at once if its signature is given, else for its first arguments.

    Args:
        signature: keeps numba from compiling the function again for every constant it meets.
        inline: whether it becomes a part of the functions that call it.
        cache: whether to keep the machine code on disk. Not for functions that take named tuples:
            numba could not open its index once such a class has been renamed.
    """
    decorate = numba.njit(
        signature, cache=cache, nogil=True, error_model="numpy", forceinline=inline
    )
    return cast("Callable[[Function], Function]", decorate)


def _primitive(function: Callable[..., Any]) -> Callable[..., Any]:
    """What compiled code takes for a function; the one below gives its signature and its making."""
    return cast("Callable[..., Any]", intrinsic(function))


Builder = Any
"""numba's and llvmlite's objects have no types."""


def _store(width: int) -> Callable[..., Any]:
    def build(context: Builder, builder: Builder, signature: Builder, given: Builder) -> Any:
        kind = ir.IntType(width)
        place = builder.inttoptr(given[0], kind.as_pointer())
        builder.store(given[1], place, align=1)
        return context.get_dummy_value()

    return build


@_primitive
def store_byte(context: Builder, address: Builder, value: Builder) -> Any:
    """Writes one byte."""
    return types.void(types.int64, types.uint8), _store(8)


@_primitive
def store_pair(context: Builder, address: Builder, value: Builder) -> Any:
    """Writes two bytes, a uint16 as the machine keeps it."""
    return types.void(types.int64, types.uint16), _store(16)


@_primitive
def copy_bytes(context: Builder, address: Builder, source: Builder, size: Builder) -> Any:
    """Copies `size` bytes from one address to another."""

    def build(context: Builder, builder: Builder, signature: Builder, given: Builder) -> Any:
        to, source = (builder.inttoptr(place, cgutils.voidptr_t) for place in given[:2])
        copy: Any = cgutils.raw_memcpy
        copy(builder, to, source, given[2], 1)
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), build


@_primitive
def upper_product(context: Builder, a: Builder, b: Builder) -> Any:
    """Upper 64 bits of the product of two uint64."""

    def build(context: Builder, builder: Builder, signature: Builder, given: Builder) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(factor, wide) for factor in given))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), build


@_primitive
def bits_of(context: Builder, value: Builder) -> Any:
    """The bits of a float64, the sign's as that of the whole."""

    def build(context: Builder, builder: Builder, signature: Builder, given: Builder) -> Any:
        return builder.bitcast(given[0], ir.IntType(64))

    return types.int64(types.float64), build
