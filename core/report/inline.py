"""Pictures as part of the page: SVG that takes the page's colours and shares its letters.

matplotlib writes every letter of every figure as a path of its own and colours as numbers. In the
page a letter is kept once, and colours become the stylesheet's, so that a dark page has pictures
made for it instead of inverted ones.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Final
from xml.etree import ElementTree

from crosshook.core.report.style import INK, MUTED, PALETTE

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

DRAWN: Final = frozenset({"svg", "g", "path", "defs", "use", "clipPath", "rect", "image"})
"""What a picture may consist of; everything else is left out."""

COLOURS: Final = {
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    **{colour: f"var(--c{number})" for number, colour in enumerate(PALETTE)},
}
_COLOUR = re.compile("|".join(COLOURS))
_CLIP = re.compile(r"url\(#([^)]*)\)")
_AROUND_LETTER = re.compile(r" ?([A-Za-z]) ?")
_HREF: Final = "{http://www.w3.org/1999/xlink}href"
_SHOWN: Final = frozenset(
    {"id", "d", "x", "y", "width", "height", "style", "transform", "clip-path", "href"}
)


@dataclass
class Pictures:
    """The pictures of one page.

    Attributes:
        letters: paths by their names, which are of a font and a character.
        fonts: what each font is called in the page.
        styles: what is said of lines and areas, with the class that says it.
        count: pictures so far.
    """

    letters: dict[str, str] = field(default_factory=dict)
    fonts: dict[str, str] = field(default_factory=dict)
    styles: dict[str, str] = field(default_factory=dict)
    count: int = 0

    def inline(self, svg: str, alternative: str) -> str:
        """A picture as an element of the page; its letters are to be found in `shared`.

        Args:
            svg: as matplotlib writes it.
            alternative: what a reader who does not see it is told.
        """
        self.count += 1
        root = ElementTree.fromstring(svg)
        used = {e.get(_HREF, "")[1:] for e in root.iter()}
        used |= {name for e in root.iter() for name in _CLIP.findall(e.get("clip-path", ""))}
        names = {
            # Letters are the page's, marks and clips a picture's own.
            name: self._letter_id(name) if _is_letter(name) else f"p{self.count}-{number}"
            for number, name in enumerate(sorted(used))
        }
        parts = "".join(self._element(child, names) for child in root)
        box = escape(root.get("viewBox", ""))
        return f'<svg role="img" aria-label="{escape(alternative)}" viewBox="{box}">{parts}</svg>'

    def shared(self) -> str:
        """The letters and styles of all pictures, to be put anywhere in the page."""
        paths = "".join(
            f'<path id="{self._letter_id(name)}" {shape}/>' for name, shape in self.letters.items()
        )
        rules = "".join(f".{name}{{{style}}}" for style, name in self.styles.items())
        return (
            f'<svg class="letters" aria-hidden="true"><style>{rules}</style>'
            f"<defs>{paths}</defs></svg>"
        )

    def _letter_id(self, name: str) -> str:
        """A font and a character in short, e.g. `f0-2c`."""
        family, _, character = name.rpartition("-")
        return f"{self.fonts.setdefault(family, f'f{len(self.fonts)}')}-{escape(character)}"

    def _element(self, element: Element, names: dict[str, str]) -> str:
        """An element and what is in it, without unused names and without empty groups."""
        tag = element.tag.rpartition("}")[2]
        if tag not in DRAWN or (tag == "path" and element.get("style") == "fill: none"):
            return ""
        name = element.get("id", "")
        if tag == "path" and name in names and _is_letter(name):
            self.letters[name] = " ".join(
                self._attribute(key, element.get(key, ""), names)
                for key in ("d", "transform")
                if key in element.attrib
            )
            return ""
        attributes = [
            self._attribute(key, value, names)
            for key, value in _plain(element)
            if key in _SHOWN and (key != "id" or value in names)
        ]
        inner = "".join(self._element(child, names) for child in element)
        if tag in ("g", "defs") and not inner:
            return ""
        if tag == "g" and not attributes:
            return inner
        head = " ".join([tag, *attributes])
        return f"<{head}>{inner}</{tag}>" if inner else f"<{head}/>"

    def _attribute(self, key: str, value: str, names: dict[str, str]) -> str:
        """An attribute as the page has it: short, in the page's colours and names."""
        text = value
        if key == "d":
            text = _AROUND_LETTER.sub(r"\1", " ".join(value.split()))
        elif key == "style":
            coloured = _COLOUR.sub(lambda found: COLOURS[found[0]], value)
            short = coloured.replace(": ", ":").replace("; ", ";")
            key, text = "class", self.styles.setdefault(short, f"s{len(self.styles)}")
        elif key == "id":
            text = names[value]
        elif key == "clip-path":
            text = _CLIP.sub(lambda found: f"url(#{names[found[1]]})", value)
        elif key == "href":
            text = f"#{names[value[1:]]}" if value.startswith("#") else "".join(value.split())
        return f'{key}="{escape(text)}"'


def _is_letter(name: str) -> bool:
    """Whether a path is a font's; marks and clips are named by a hash."""
    return "-" in name


def _plain(element: Element) -> list[tuple[str, str]]:
    """Attributes without their namespaces."""
    return [(key.rpartition("}")[2], value) for key, value in element.attrib.items()]
