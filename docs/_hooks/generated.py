"""MkDocs hook: replaces lines `<!-- generated: NAME WORDS -->` by what sources and schemas say.

A page that names something that is not there stops the build.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from command_help import all_commands, command
from interface_pages import checks, components, conformance, hook_table
from mkdocs.exceptions import PluginError
from named import names
from option_tables import (
    inference_file_table,
    option_table,
    run_file_table,
    surrogate_file_table,
    transfer_file_table,
    unfold_file_table,
)
from source_reference import error_table, interface, members, module_text, public

if TYPE_CHECKING:
    from collections.abc import Callable

DIRECTIVE = re.compile(r"^<!-- generated: (.*?) -->$", re.MULTILINE)

MAKERS: dict[str, Callable[..., str]] = {
    "api": members,
    "checks": checks,
    "command": command,
    "commands": all_commands,
    "components": components,
    "conformance": conformance,
    "errors": error_table,
    "hooks": hook_table,
    "infer-file": inference_file_table,
    "transfer-file": transfer_file_table,
    "interface": interface,
    "module": module_text,
    "names": names,
    "options": option_table,
    "public": public,
    "run-file": run_file_table,
    "surrogate-file": surrogate_file_table,
    "unfold-file": unfold_file_table,
}


def on_page_markdown(markdown: str, page: object, **_: object) -> str:
    """Called by MkDocs with the text of each page."""

    def made(found: re.Match[str]) -> str:
        name, *words = found.group(1).split()
        if name not in MAKERS:
            message = f"{page}: no generator {name!r}; known: {', '.join(MAKERS)}"
            raise PluginError(message)
        try:
            return MAKERS[name](*words)
        except (LookupError, OSError, TypeError, ValueError) as error:
            message = f"{page}: {found.group(0)}: {type(error).__name__}: {error}"
            raise PluginError(message) from error

    return DIRECTIVE.sub(made, markdown)
