"""Shims: components written for an older version of an interface, brought up to the next one.

A shim is a function `(component, context) -> component`, named in `Interface.shims`; most are one call
of `with_methods`.
"""

from __future__ import annotations

from typing import TypeVar

from crosshook.core.errors import RegistryError

T = TypeVar("T")


def with_methods(component: T, mixin: type) -> T:
    """The same object, its state and its other methods kept, with those of a class before its own.

    Args:
        component: of the older version; changed in place.
        mixin: the methods of the newer version that the older one lacks or has otherwise; they
            reach those of the component through `super()`.

    Raises:
        RegistryError: if the object's class cannot be extended.
    """
    kind = type(component)
    try:
        component.__class__ = type(kind.__name__, (mixin, kind), {"__module__": kind.__module__})
    except TypeError as error:
        message = f"{kind.__name__} cannot take the methods of {mixin.__name__}: {error}"
        raise RegistryError(message) from error
    return component
