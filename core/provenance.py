"""What computes: versions, and digests of the source of crosshook and of every plugin."""

from __future__ import annotations

import hashlib
import platform
from functools import lru_cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from crosshook.core.registry import default_registry

LIBRARIES: Final = ("torch", "numpy", "awkward", "uproot", "pluggy")
OWN: Final = "crosshook"
DIGITS: Final = 16
"""Hexadecimal digits of a digest that are kept: 64 bits tell versions apart."""
SUFFIXES: Final = (".py", ".json")
"""Files that are hashed: code and schemas."""


def versions() -> dict[str, str]:
    """Versions of crosshook, Python and the libraries results depend on, and digests of sources.

    Distributions that bring plugins are there with their versions; `NAME source` is a digest of
    the files of their package, which tells two states of one version apart.
    """
    found = {OWN: metadata.version(OWN), "python": platform.python_version()}
    found |= {name: metadata.version(name) for name in LIBRARIES}
    return found | dict(_sources())


@lru_cache(maxsize=1)
def _sources() -> tuple[tuple[str, str], ...]:
    modules = {OWN: {f"{OWN}.{part}" for part in ("core", "plugins", "adapters", "schemas")}}
    found: list[tuple[str, str]] = []
    for plugin in default_registry().plugins:
        if plugin.module is not None and plugin.distribution != OWN:
            modules.setdefault(plugin.distribution, set()).add(plugin.target.partition(":")[0])
            found.append((plugin.distribution, plugin.version))
    for distribution, names in modules.items():
        found.append((f"{distribution} source", _digest(sorted(names))))
    return tuple(dict.fromkeys(found))


def _digest(modules: list[str]) -> str:
    """Of the files of some modules or packages, whatever folder they are in."""
    digest = hashlib.sha256()
    for module in modules:
        spec = find_spec(module)
        if spec is None:
            continue
        folders = [Path(folder) for folder in spec.submodule_search_locations or ()]
        files = {
            f"{module}/{path.relative_to(folder).as_posix()}": path
            for folder in folders
            for path in folder.rglob("*")
            # The package crosshook itself lies here in a source tree, and elsewhere once installed.
            if path.suffix in SUFFIXES and "facade" not in path.relative_to(folder).parts
        }
        if not folders and spec.origin is not None:
            files = {module: Path(spec.origin)}
        for name, path in sorted(files.items()):
            digest.update(f"{name}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:DIGITS]
