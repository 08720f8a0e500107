"""Pictures in the page: letters once, names apart, the page's colours, nothing but shapes."""

from __future__ import annotations

import re

from crosshook.core.report.inline import Pictures
from crosshook.core.report.style import INK, as_svg, canvas, report_style

SVG = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 viewBox="0 0 9 9"><metadata>who</metadata><script>alert(1)</script><g id="figure_1">
 <defs><path id="DejaVuSans-41" d="M 0 0 L 1 1"/><path id="DejaVuSerif-41" d="M 2 2 L 3 3"/>
 <path id="m1" d="M 4 4" style="stroke: #1c2530"/></defs>
 <use xlink:href="#DejaVuSans-41" onclick="x"/><use xlink:href="#DejaVuSerif-41"/>
 <use xlink:href="#m1" style="fill: #1c2530"/></g></svg>"""


def test_letters_are_kept_once_and_marks_are_a_pictures_own() -> None:
    """Two pictures share letters; fonts with the same capitals stay apart."""
    pictures = Pictures()
    made = [pictures.inline(SVG, "a <b>") for _ in range(2)]
    shared = pictures.shared()
    assert re.findall(r'<path id="([^"]+)" d="([^"]+)"/>', shared) == [
        ("f0-41", "M0 0L1 1"),
        ("f1-41", "M2 2L3 3"),
    ]
    used = [re.findall(r'href="#([^"]+)"', picture) for picture in made]
    assert used[0][:2] == used[1][:2] == ["f0-41", "f1-41"]
    assert used[0][2] != used[1][2]
    for picture, names in zip(made, used, strict=True):
        assert f'id="{names[2]}"' in picture
        assert 'aria-label="a &lt;b&gt;"' in picture
    assert "fill:var(--ink)" in shared


def test_only_shapes_come_through() -> None:
    """No script, no handler, no metadata."""
    made = Pictures().inline(SVG, "a")
    assert not re.search(r"script|alert|onclick|who", made)


def test_places_are_rounded_and_scales_are_not() -> None:
    """A hundredth of a point; a letter's scale has more digits than that."""
    with report_style():
        drawn = canvas(2, 2)
        drawn.subplots().plot([0, 1 / 3, 1], [0, 1, 0], color=INK)
        svg = as_svg(drawn)
    places = re.findall(r'(?:d|x|y)="([^"]*)"', svg)
    assert not [p for p in places if re.search(r"\.\d{3}", p)]
    assert "scale(0.095 -0.095)" in svg
