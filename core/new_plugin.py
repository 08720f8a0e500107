"""Writes a new plugin: a pip package with everything but the methods that only its author knows.

The texts are files in `templates/`: `package/` is the package as it will lie on the disk, `hooks/`
has the component, its options and its use for each interface.
"""

from __future__ import annotations

import ast
import keyword
import re
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Final

import yaml

from crosshook.core.errors import ConfigurationError, OutputError
from crosshook.core.interfaces import INTERFACES, Interface
from crosshook.core.registry import default_registry
from crosshook.core.unfinished import Unfinished, unfinished
from crosshook.core.whole_file import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.resources.abc import Traversable

NAME: Final = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LONGEST: Final = 30
SUFFIX: Final = ".template"


@dataclass(frozen=True)
class NewPlugin:
    """A package that was written.

    Attributes:
        folder: where it is.
        files: what is in it, in order of their names.
        component: the module with the component.
        unfinished: what is left to fill in there.
    """

    folder: Path
    files: tuple[Path, ...]
    component: Path
    unfinished: tuple[Unfinished, ...]


def new_plugin(name: str, hook: str, directory: Path | str = ".") -> NewPlugin:
    """Writes the package `crosshook-NAME` with one component.

    Args:
        name: of the component; lower case, words joined by hyphens.
        hook: the interface it is to implement, e.g. `channel_mapping`.
        directory: where the package's folder goes.

    Returns:
        What was written, and what is left to fill in.

    Raises:
        ConfigurationError: if the name cannot be used, or there is no such hook.
        OutputError: if the folder exists, or cannot be written.
    """
    kind = _interface(hook)
    _check_name(name, kind)
    folder = Path(directory) / f"crosshook-{name}"
    words = _words(name, kind)
    texts = {Path(path): text for path, text in _rendered(words)}
    component = Path("src", words["package"], f"{hook}.py")
    _check_class(name, texts[component])
    if folder.exists():
        message = f"{folder}: exists already; choose another name, or another folder"
        raise OutputError(message)
    for path, text in texts.items():
        write_whole(folder / path, text)
    return NewPlugin(
        folder,
        tuple(sorted(folder / path for path in texts)),
        folder / component,
        tuple(unfinished(texts[component])),
    )


def _interface(hook: str) -> Interface:
    if hook not in INTERFACES:
        message = f"no hook {hook!r}; there are: {', '.join(INTERFACES)}"
        raise ConfigurationError(message)
    return INTERFACES[hook]


def _check_name(name: str, kind: Interface) -> None:
    if not NAME.fullmatch(name) or len(name) > LONGEST:
        message = (
            f"{name!r} is no name for a component: lower-case letters and digits, words joined by "
            f"hyphens, {LONGEST} characters at most, e.g. my-{kind.name.split('_')[-1]}"
        )
        raise ConfigurationError(message)
    if keyword.iskeyword(name) or keyword.iskeyword(_camel(name)):
        message = f"{name!r} is a keyword of Python; choose another name"
        raise ConfigurationError(message)
    if yaml.safe_load(name) != name:
        message = f"{name!r} is not read as a word in run files; choose another name"
        raise ConfigurationError(message)
    taken = [r for r in default_registry().components(kind.name) if r.component.name == name]
    if taken:
        message = (
            f"the {kind.name} {name!r} is there already, from {taken[0].distribution}; "
            "choose another name"
        )
        raise ConfigurationError(message)
    distribution = f"crosshook-{name}"
    if distribution in {plugin.distribution for plugin in default_registry().plugins}:
        message = (
            f"a package {distribution} is installed, which it would replace; choose another name"
        )
        raise ConfigurationError(message)


def _check_class(name: str, text: str) -> None:
    """Refuses a name whose class would be called as something that the module imports."""
    tree = ast.parse(text)
    own = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    imported = {
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    if clash := own & imported:
        message = f"{name!r} would make a class {clash.pop()}, which crosshook has; choose another"
        raise ConfigurationError(message)


def _camel(name: str) -> str:
    return "".join(word.capitalize() for word in name.split("-"))


def _words(name: str, kind: Interface) -> dict[str, str]:
    """What is put in for `$word` in the templates."""
    module, _, protocol = kind.protocol.partition(":")
    noun = kind.name.replace("_", " ")
    return {
        "name": name,
        "cls": _camel(name),
        "distribution": f"crosshook-{name}",
        "package": f"crosshook_{name.replace('-', '_')}",
        "entry": name,
        "summary": f"{name}, {'an' if noun[0] in 'aeiou' else 'a'} {noun}",
        "interface": kind.name,
        "hook": kind.hook,
        "api": str(kind.api),
        "protocol_module": module,
        "protocol": protocol,
    }


def _rendered(words: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Path in the package and text of each file."""
    root = resources.files("crosshook.core").joinpath("templates")
    interface, source = words["interface"], f"src/{words['package']}"

    def text(name: str) -> str:
        template = root.joinpath("hooks", f"{interface}.{name}{SUFFIX}").read_text("utf-8")
        return Template(template).substitute(words)

    words = words | {"use": text("use.md").rstrip()}
    for path, item in _files(root.joinpath("package"), ""):
        place = path.removesuffix(SUFFIX).replace("PACKAGE", words["package"])
        # Packaging tools tend to lose files whose names begin with a dot.
        place = re.sub(r"(^|/)dot-", r"\1.", place)
        yield place, Template(item.read_text("utf-8")).substitute(words)
    yield f"{source}/{interface}.py", text("py")
    yield f"{source}/options.json", text("json")


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, Traversable]]:
    for item in folder.iterdir():
        path = f"{prefix}{item.name}"
        if item.is_dir():
            yield from _files(item, f"{path}/")
        elif item.name.endswith(SUFFIX):
            yield path, item
