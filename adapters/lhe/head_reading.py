"""Reads what stands before the events: header blocks, weight declarations, the init block.

Headers are not XML (cards hold `<`, `>` and `&` freely), so blocks are found by their tags at the
beginning of a line, and their text is kept as it is.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import TYPE_CHECKING, Final

from crosshook.adapters.lhe.attributes import read_attributes
from crosshook.adapters.lhe.elements import elements, without
from crosshook.adapters.lhe.numbers import integer, real
from crosshook.adapters.lhe.weight_declarations import Declarations
from crosshook.core.errors import InputError
from crosshook.core.events.run_info import ProcessInfo, RunInfo

if TYPE_CHECKING:
    from pathlib import Path

INIT_START: Final = re.compile(rb"^[ \t]*+<init(?:\s[^>\n]*+)?>", re.MULTILINE)
INIT_END: Final = re.compile(rb"^[ \t]*+</init\s*+>[^\n]*+\n?", re.MULTILINE)
ROOT: Final = re.compile(r"<LesHouchesEvents([^<>]*+)>")
XML_DECLARATION: Final = re.compile(r"^\s*+<\?xml[^>]*+>")
BLOCK: Final = re.compile(r"^[ \t]*+<(?:!--|([A-Za-z_][\w.:-]*+)([^>\n]*+)>)", re.MULTILINE)
HEADER: Final = re.compile(r"^[ \t]*+</?header(?:\s[^>\n]*+)?>", re.MULTILINE)
MOST_BLOCKS: Final = 2000
"""Blocks of a header; repeated tags are told apart by blanks, which would fill the memory."""
MOST_UNCLOSED: Final = 100
"""Different tags of a header that are opened but not closed; each is looked for once to the end."""
MOST_PROCESSES: Final = 100_000
"""Lines of the init block."""


def read_head(head: bytes, path: Path) -> RunInfo:
    """The run information out of everything up to `</init>`.

    Args:
        head: the file's text up to the end of the init block.
        path: for messages.

    Raises:
        InputError: if the init block cannot be understood.
    """
    start = INIT_START.search(head)
    root = ROOT.search(head.decode("utf-8", "surrogateescape"))
    if start is None or root is None:
        missing = "<LesHouchesEvents>" if root is None else "<init>"
        message = f"{path}: not a Les Houches event file: no {missing} before the events"
        raise InputError(message)
    before = head[: start.start()].decode("utf-8", "surrogateescape")
    init = INIT_END.sub(b"", head[start.end() :]).decode("utf-8", "surrogateescape")
    line = head.count(b"\n", 0, start.end()) + 1
    declarations = Declarations(path)
    header, comments = _blocks(before, declarations, path)
    return _init_block(init, line, path, declarations, header, comments, root.group(1))


def _blocks(
    text: str, declarations: Declarations, path: Path
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Header blocks by the inside of their opening tag, and text outside of them."""
    root = ROOT.search(text)
    lead = XML_DECLARATION.sub("", text[: root.start()] if root else "")
    body = HEADER.sub("", text[root.end() :] if root else text)
    header: dict[str, str] = {}
    comments = [lead] if lead.strip() else []
    position = 0
    unclosed: set[str] = set()
    repeated: Counter[str] = Counter()
    for match in BLOCK.finditer(body):
        name = match.group(1)
        if match.start() < position or name in unclosed:
            continue
        closing = re.compile(rf"</{re.escape(name)}\s*+>" if name else "-->")
        end = closing.search(body, match.end())
        if end is None:
            unclosed.add(name)
            if len(unclosed) > MOST_UNCLOSED:
                message = f"{path}: the header has more than {MOST_UNCLOSED} tags that do not end"
                raise InputError(message)
            continue
        if between := body[position : match.start()].strip("\r\n"):
            comments.append(between)
        position = end.end()
        if not name:
            comments.append(body[match.start() : position].lstrip())
        elif name == "initrwgt":
            declarations.read(body[match.end() : end.start()])
        else:
            tag = name + match.group(2)
            header[tag + " " * repeated[tag]] = body[match.end() : end.start()]
            repeated[tag] += 1
            if len(header) > MOST_BLOCKS:
                message = f"{path}: the header has more than {MOST_BLOCKS} blocks"
                raise InputError(message)
    comments.append(body[position:].strip("\r\n"))
    return header, tuple(text for text in comments if text.strip())


def _init_block(
    text: str,
    line: int,
    path: Path,
    declarations: Declarations,
    header: dict[str, str],
    comments: tuple[str, ...],
    root: str,
) -> RunInfo:
    rows = [(line + i, row) for i, row in enumerate(text.splitlines()) if row.strip()]
    if not rows:
        message = f"{path}: line {line}: the init block is empty"
        raise InputError(message)
    first = rows[0][1].split()
    where = f"{path}: line {rows[0][0]}"
    if len(first) < 10:
        message = f"{where}: 10 numbers expected in the first line of <init>, {len(first)} found"
        raise InputError(message)
    whole = [integer(token, where) for i, token in enumerate(first[:10]) if i not in (2, 3)]
    processes = []
    announced = whole[7]
    if announced > MOST_PROCESSES:
        message = (
            f"{where}: {announced} processes announced; more than {MOST_PROCESSES} are refused"
        )
        raise InputError(message)
    for number, row in rows[1 : 1 + announced]:
        tokens = row.split()
        if len(tokens) < 4 or tokens[0].startswith(("<", "#")):
            break
        here = f"{path}: line {number}"
        sigma, error, maximum = (real(token, here) for token in tokens[:3])
        processes.append(ProcessInfo(integer(tokens[3], here), sigma, error, maximum))
    if processes and len(processes) != announced:
        message = f"{where}: {announced} processes announced in <init>, {len(processes)} found"
        raise InputError(message)
    rest = "\n".join(row for _, row in rows[1 + len(processes) :])
    declared = list(elements(rest, "initrwgt"))
    for element in declared:
        declarations.read(element.content)
    rest = without(rest, declared)
    generators = []
    named = list(elements(rest, "generator"))
    for element in named:
        known = read_attributes(element.attributes)
        generators.append((known.get("name", ""), known.get("version", ""), element.content))
    extra = without(rest, named).splitlines()
    return RunInfo(
        beams=(whole[0], whole[1]),
        energies=(_energy(first[2], where), _energy(first[3], where)),
        pdf_groups=(whole[2], whole[3]),
        pdf_sets=(whole[4], whole[5]),
        weighting=whole[6],
        processes=tuple(processes),
        generators=tuple(generators),
        weights=declarations.weights,
        weight_groups=declarations.groups,
        header=header,
        comments=comments,
        init_extra=tuple(row for row in extra if row.strip()),
        version=read_attributes(root).get("version", "1.0"),
    )


def _energy(token: str, where: str) -> float:
    """The energy of a beam in GeV."""
    energy = real(token, where)
    if not math.isfinite(energy):
        message = f"{where}: a beam of energy {token!r}"
        raise InputError(message)
    return energy
