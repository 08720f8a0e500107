"""Google-style docstrings as Markdown."""

from __future__ import annotations

import re

SECTION = re.compile(r"^(Args|Attributes|Raises|Returns|Rules|Yields):$")
ITEM = re.compile(r"^(`[^`]+`|[\w, *]+): (.*)$")
TERM = re.compile(r"^`[^`]+`: ")
TITLES = {"Args": "Arguments"}
FREE_TEXT = ("Returns", "Yields")
SPECIAL = re.compile(r"([*_\[\]|])")
EMPHASIS = re.compile(r"\\\*(\w+)\\\*")
CODE = re.compile(r"(``.*?``|`[^`]*`)", re.DOTALL)


def escaped(text: str) -> str:
    """Text in which Markdown finds nothing but code between backticks."""
    parts = CODE.split(text)
    return "".join(p if i % 2 else _escaped(p) for i, p in enumerate(parts))


def _escaped(text: str) -> str:
    text = SPECIAL.sub(r"\\\1", text).replace("<", "&lt;")
    return EMPHASIS.sub(r"*\1*", text)


def to_markdown(docstring: str) -> str:
    """A cleaned docstring as Markdown; sections become definition lists."""
    blocks: list[tuple[str, list[str]]] = [("", [])]
    for line in docstring.splitlines():
        found = SECTION.match(line)
        if found:
            blocks.append((found.group(1), []))
        elif blocks[-1][0] and line and not line.startswith(" "):
            blocks.append(("", [line]))
        else:
            blocks[-1][1].append(line)
    return "\n\n".join(
        _section(name, lines) if name else _prose(lines) for name, lines in blocks if lines
    )


def _prose(lines: list[str]) -> str:
    """Paragraphs; `term`: lines become a list, indented lines stay code."""
    result: list[str] = []
    in_term = False
    for line in lines:
        if TERM.match(line):
            if not in_term:
                result.append("")
            result.append(f"- {escaped(line)}")
            in_term = True
        elif in_term and line.startswith(" "):
            result.append(f"  {escaped(line.strip())}")
        elif line.startswith("    "):
            result.append(line)
        else:
            if in_term and line:
                result.append("")
            in_term = False
            result.append(escaped(line))
    return "\n".join(result).strip("\n")


def _section(name: str, lines: list[str]) -> str:
    title = f"*{TITLES.get(name, name)}*"
    inside = [line[4:] if line.startswith("    ") else line.strip() for line in lines]
    text = "\n".join(inside).strip("\n")
    if name in FREE_TEXT:
        return f"{title}\n\n{escaped(text)}"
    items: list[tuple[str, list[str]]] = []
    for line in inside:
        found = ITEM.match(line)
        if found:
            items.append((found.group(1).strip("`"), [found.group(2)]))
        elif items and line.strip():
            items[-1][1].append(line.strip())
    entries = [f"`{term}`\n:   {escaped(' '.join(words))}" for term, words in items]
    return "\n\n".join([title, *entries])
