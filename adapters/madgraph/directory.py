"""ProcessDirectory: what lies in a directory that MadGraph wrote, and what of it can be called."""

from __future__ import annotations

import re
import shutil
import sys
from dataclasses import dataclass
from importlib.machinery import EXTENSION_SUFFIXES
from typing import TYPE_CHECKING, Literal

from crosshook.adapters.madgraph.generated_code import read_generated_code
from crosshook.core.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

    from crosshook.adapters.madgraph.evaluator import CallKind
    from crosshook.adapters.madgraph.generated_code import GeneratedCode

CARD = "Cards/param_card.dat"
SOURCES = ("matrix.f", "CPPProcess.cc", "matrix1_orig.f", "matrix1.f")
"""Where the calls of the diagrams are, in the order in which they are looked for."""

MODULE = re.compile(r"^matrix\d*py\.")
ALL_IN_ONE = re.compile(r"^all_?matrix\d*py\.")
LIBRARIES = (".so", ".dylib")
BRIDGE, UMAMI = b"fbridgecreate_", b"umami_matrix_element"
MIRRORED = re.compile(r"\.true\.", re.IGNORECASE)

Output = Literal["standalone", "standalone_cpp", "cudacpp", "madevent"]


@dataclass(frozen=True)
class CallableFile:
    """A file by which |M|² can be called.

    Attributes:
        kind: how; `umami` libraries are for the process `umami`.
        path: of the file.
    """

    kind: CallKind | Literal["umami"]
    path: Path


@dataclass(frozen=True)
class Folder:
    """One folder of SubProcesses.

    Attributes:
        path: of the folder.
        code: as generated.
        call: what can be called, or None.
        mirror: it stands for both orders of the beams; None if the code does not say.
    """

    path: Path
    code: GeneratedCode
    call: CallableFile | None
    mirror: bool | None


@dataclass(frozen=True)
class ProcessDirectory:
    """A directory.

    Attributes:
        path: of it.
        output: what it was written for, as far as its files tell.
        card: parameter card.
        folders: with generated code, in order of their names.
    """

    path: Path
    output: Output
    card: Path
    folders: tuple[Folder, ...]


def _is_folder(path: Path) -> bool:
    return path.parent.name == "SubProcesses"


def read_directory(path: Path) -> ProcessDirectory:
    """Reads a process directory, or of its folders the one that is named.

    Raises:
        InputError: if it has no generated code.
    """
    only = path.resolve() if _is_folder(path.resolve()) else None
    root = path
    if only is not None:
        root = path.parent.parent if _is_folder(path) else only.parents[1]
    names = sorted(each for each in (root / "SubProcesses").iterdir() if each.is_dir())
    chosen = [each for each in names if only is None or each.resolve() == only]
    sources = [(each, source) for each in chosen if (source := _source(each)) is not None]
    if not sources:
        message = (
            f"{path}: no generated code: no folder of SubProcesses has {' or '.join(SOURCES)}"
        )
        raise InputError(message)
    everything = find_all_in_one(root)
    folders = []
    for folder, source in sources:
        mirrors = folder / "mirrorprocs.inc"
        mirror = None
        if mirrors.is_file():
            mirror = bool(MIRRORED.search(mirrors.read_text(errors="replace")))
        call = _call(root, folder, alone=len(names) == 1) or everything
        folders.append(Folder(folder, read_generated_code(source), call, mirror))
    return ProcessDirectory(root, _output(folders[0].path), root / CARD, tuple(folders))


def _source(folder: Path) -> Path | None:
    return next((folder / name for name in SOURCES if (folder / name).is_file()), None)


def _output(folder: Path) -> Output:
    if any((folder / name).exists() for name in ("fbridge.cc", "umami.cc", "api.cpp")):
        return "cudacpp"
    if (folder / "CPPProcess.cc").exists():
        return "standalone_cpp"
    return "standalone" if (folder / "matrix.f").exists() else "madevent"


def find_all_in_one(root: Path) -> CallableFile | None:
    """The module of `make allmatrix2py.so`, if it is built for this Python."""
    found = _module(root / "SubProcesses", ALL_IN_ONE)
    return None if found is None else CallableFile("all_matrix2py", found)


def _call(root: Path, folder: Path, *, alone: bool) -> CallableFile | None:
    module = _module(folder, MODULE)
    if module is not None:
        return CallableFile("matrix2py", module)
    short = "_".join(folder.name.split("_")[-2:])
    candidates = [*folder.glob("*"), *(root / "lib").rglob("*")]
    for path in sorted(p for p in candidates if p.suffix in LIBRARIES and p.is_file()):
        mine = path.parent == folder or f"_{short}_" in path.name or alone
        kind = library_kind(path) if mine else None
        if kind is not None:
            return CallableFile(kind, path)
    return None


def library_kind(path: Path) -> Literal["bridge", "umami"] | None:
    """What a shared library can be called by, from the names in it."""
    content = path.read_bytes()
    if UMAMI in content:
        return "umami"
    return "bridge" if BRIDGE in content else None


def _module(folder: Path, name: re.Pattern[str]) -> Path | None:
    """A module this Python can load."""
    found = [p for p in sorted(folder.glob("*py.*")) if name.match(p.name) and p.stat().st_size]
    return next((p for p in found if loadable(p)), None)


def loadable(module: Path) -> bool:
    """Whether an extension module is built for this Python."""
    return f".{module.name.partition('.')[2]}" in (*EXTENSION_SUFFIXES, ".py")


def modules_of_others(folder: Path) -> tuple[Path, ...]:
    """Modules in a folder that are built for another Python."""
    found = [p for p in sorted(folder.glob("*py.*")) if MODULE.match(p.name)]
    return tuple(
        p for p in found if p.suffix in LIBRARIES and p.stat().st_size and not loadable(p)
    )


def how_to_build(directory: ProcessDirectory, folder: Folder) -> str:
    """The command that makes a folder callable."""
    if directory.output == "standalone":
        others = modules_of_others(folder.path)
        command = f"cd {folder.path} && make matrix2py.so"
        if shutil.which("f2py") is None:
            command += f" F2PY='{sys.executable} -m numpy.f2py'"
        if others:
            return f"{others[0].name} is built for another Python: {command}"
        return command
    if directory.output == "cudacpp":
        own = "-f cudacpp.mk " if (folder.path / "cudacpp.mk").exists() else ""
        return f"cd {folder.path} && make {own}FPTYPE=d"
    if directory.output == "standalone_cpp":
        return "standalone_cpp has no library to call: write the process with `output standalone`"
    return "this output is for MadEvent: write the process with `output standalone`"
