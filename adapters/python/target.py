"""Finds a user's function by `module:function` or `path/file.py:function`."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from crosshook.core.errors import ConfigurationError, brief

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType


def load_function(target: str, where: str) -> Callable[..., object]:
    """Imports a function; modules of the current directory are found too.

    Args:
        target: `module:function`, or the path of a file ending in .py in place of the module.
        where: path in the run file, for messages.

    Raises:
        ConfigurationError: if there is no such function.
    """
    home, colon, name = target.rpartition(":")
    if not colon or not home or not name:
        message = f"{where}: {target!r}; write module:function or path/file.py:function"
        raise ConfigurationError(message)
    try:
        module = _file(Path(home)) if home.endswith(".py") else _module(home)
    except Exception as error:  # whatever a stranger's import raises
        message = f"{where}: cannot import {home}: {brief(error)}"
        raise ConfigurationError(message) from error
    function = getattr(module, name, None)
    if not callable(function):
        what = "has no function" if function is None else f"has a {type(function).__name__} as"
        message = f"{where}: {home} {what} {name!r}"
        raise ConfigurationError(message)
    return function  # type: ignore[no-any-return]


def _module(name: str) -> ModuleType:
    here = str(Path.cwd())
    if here in sys.path or "" in sys.path:
        return importlib.import_module(name)
    sys.path.append(here)  # last, so that nothing installed is hidden
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(here)


def _file(path: Path) -> ModuleType:
    resolved = path.resolve(strict=True)
    name = f"_crosshook_user_{hashlib.sha256(str(resolved).encode()).hexdigest()[:16]}"
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, resolved)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
