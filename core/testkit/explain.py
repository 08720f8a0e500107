"""What each check is about, in words: its law, the mistakes it catches, how to find them.

The sections are in `conformance.md` beside this file, which also makes the documentation's page.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from crosshook.core.errors import RegistryError
from crosshook.core.testkit.checks import KITS, WHOLE, checks_for

if TYPE_CHECKING:
    from crosshook.core.testkit.checks import Check

SECTION = re.compile(r"^### (\w+) \{#([\w-]+)\}\n(.*?)(?=^##|\Z)", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Explanation:
    """One section.

    Attributes:
        check: name of the check.
        interface: whose components it is for; `every` for what every interface has.
        law: what must hold.
        paragraphs: what it catches and how to find the mistake, in Markdown.
        instead: what a finding says where there is no smaller case by nature, or `""`.
    """

    check: str
    interface: str
    law: str
    paragraphs: tuple[str, ...]
    instead: str

    @property
    def anchor(self) -> str:
        """Of the section in the documentation's page."""
        return f"{self.interface}-{self.check}"

    @property
    def whole(self) -> str:
        """The sentence on what stands in for a smallest case, or `""`."""
        sentence = "There is no smaller case by nature: the finding says what was given"
        return f"{sentence}, {self.instead}." if self.instead else ""

    def text(self) -> str:
        """All of it, as a terminal shows it."""
        parts = [f"**Law.** {self.law}", *self.paragraphs]
        if self.whole:
            parts.append(f"**Smallest.** {self.whole}")
        home = "every interface" if self.interface == "every" else self.interface
        title = f"{self.check} ({home})"
        return "\n\n".join([title, *(plain(part) for part in parts)])


def page() -> str:
    """All sections, in Markdown, without the laws."""
    return resources.files(__package__).joinpath("conformance.md").read_text("utf-8")


def explanations() -> list[Explanation]:
    """Every section with its law, in the order of the page."""
    found: dict[str, Check] = {}
    for kit in KITS:
        found.update((check.anchor, check) for check in checks_for(kit))
    return [
        Explanation(
            name,
            anchor.removesuffix(f"-{name}"),
            found[anchor].law,
            tuple(part.strip() for part in text.strip().split("\n\n")),
            WHOLE.get(name, ""),
        )
        for name, anchor, text in SECTION.findall(page())
    ]


def explain(name: str, interface: str | None = None) -> list[Explanation]:
    """The sections on a check; more than one where interfaces have checks of the same name.

    Args:
        name: of the check.
        interface: only of this one; all if None.

    Raises:
        RegistryError: if there is no such check.
    """
    every = explanations()
    found = [
        each for each in every if each.check == name and interface in (None, each.interface)
    ] or [each for each in every if each.check == name and each.interface == "every"]
    if found:
        return found
    homes = (interface, "every")
    names = sorted({e.check for e in every if interface is None or e.interface in homes})
    near = difflib.get_close_matches(name, names, 1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
    place = f" of {interface}" if interface else ""
    message = f"no check{place} is named {name!r}; {hint}"
    raise RegistryError(message)


def plain(markdown: str) -> str:
    """Text as a terminal shows it, without the marks of Markdown."""
    return re.sub(r"\*\*|\\(?=\|)", "", markdown)
