"""Half a minute of compiling is announced, on a terminal, once, and nowhere else."""

from __future__ import annotations

import sys

import numba
import pytest
from numba.core import event

from crosshook.adapters.lhe import compiling


@pytest.mark.parametrize("terminal", [True, False], ids=["terminal", "file"])
def test_compiling_is_announced_once(
    terminal: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two functions of the package, one of somebody else's before them."""
    heard: list[compiling._Notice] = []
    monkeypatch.setattr(compiling, "register", lambda _, listener: heard.append(listener))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    compiling.announce_compilation.__wrapped__()
    assert len(heard) == terminal
    for listener in heard:
        event.register("numba:compile", listener)
    try:
        for module, said in (
            ("elsewhere", ""),
            (f"{compiling.PACKAGE}.scanner", f"{compiling.NOTICE}\n"),
            (f"{compiling.PACKAGE}.layout", ""),
        ):

            def doubled(x: int) -> int:
                return 2 * x

            doubled.__module__ = module
            assert numba.njit(doubled)(2) == 4
            assert capsys.readouterr().err == (said if terminal else "")
    finally:
        for listener in heard:
            event.unregister("numba:compile", listener)
