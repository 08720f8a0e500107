"""Every check of the kit shrinks what it finds, or is listed as having nothing smaller by nature."""

from __future__ import annotations

import importlib
import sys
from types import CodeType, FunctionType
from typing import TYPE_CHECKING

import pytest

from crosshook.core.testkit import KITS, checks_for, conduct, record
from crosshook.core.testkit.checks import WHOLE
from crosshook.core.testkit.shrink import with_fewest, with_smallest

if TYPE_CHECKING:
    from collections.abc import Iterator

KIT = "crosshook.core.testkit."
LAWS = {(interface, check.name): check for interface in KITS for check in checks_for(interface)}


def law_of(interface: str, name: str) -> FunctionType:
    module = importlib.import_module(f"{KIT}{interface}")
    own = {law.__name__: law for law in module.CHECKS}
    found = own.get(name) or getattr(conduct, name, None) or getattr(record, name)
    assert isinstance(found, FunctionType)
    return found


def names_in(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)


def shrinks(function: FunctionType, seen: set[FunctionType]) -> bool:
    """Whether a function, or one of the kit that it names, calls the shrinker."""
    if function in (with_smallest, with_fewest):
        return True
    if function in seen or not function.__module__.startswith(KIT):
        return False
    seen.add(function)
    scope = vars(sys.modules[function.__module__])
    named = (scope.get(name) for name in names_in(function.__code__))
    return any(isinstance(each, FunctionType) and shrinks(each, seen) for each in named)


@pytest.mark.parametrize(("interface", "name"), LAWS)
def test_a_check_shrinks_or_is_listed(interface: str, name: str) -> None:
    assert shrinks(law_of(interface, name), set()) != LAWS[interface, name].whole


def test_every_listed_check_is_there() -> None:
    assert set(WHOLE) <= {name for _, name in LAWS}
