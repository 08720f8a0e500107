"""The command line, as the tests of adapters' commands call it."""

from __future__ import annotations

from crosshook.core.cli import main


def call(*words: object) -> int:
    """The exit code of the command."""
    try:
        main([str(word) for word in words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0
