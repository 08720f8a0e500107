"""Texts in one piece of memory behave as a list of bytes does."""

from __future__ import annotations

import numpy as np
import pytest

from crosshook.core.events.texts import Texts

GIVEN = [b"first", b"", b"\xff\n", b"last"]


def test_they_equal_the_list_they_were_made_of() -> None:
    texts = Texts.of(GIVEN)
    assert texts == GIVEN
    assert list(texts) == GIVEN
    assert texts != GIVEN[:3]
    assert texts != [*GIVEN[:3], b"other"]
    assert texts.size == 11
    assert repr(texts) == f"Texts({GIVEN!r})"
    assert Texts.of(texts) is texts
    assert Texts.empty(2) == [b"", b""]


@pytest.mark.parametrize(
    "part", [slice(1, 3), slice(None, None, -2), slice(3, 1), slice(-1, None)]
)
def test_parts_are_those_of_the_list(part: slice) -> None:
    assert Texts.of(GIVEN)[part] == GIVEN[part]
    assert Texts.of(GIVEN)[1:][part] == GIVEN[1:][part]


def test_single_texts_and_chosen_ones() -> None:
    texts = Texts.of([b"before", *GIVEN])[1:]
    assert [texts[i] for i in (0, 2, -1)] == [GIVEN[0], GIVEN[2], GIVEN[3]]
    assert texts[np.array([3, 0, 0])] == [GIVEN[3], GIVEN[0], GIVEN[0]]
    assert texts[np.array([False, True, True, False])] == GIVEN[1:3]
    assert texts.packed().offsets.tolist() == [0, 5, 5, 7, 11]
    with pytest.raises(IndexError):
        texts[4]


def test_joining() -> None:
    texts = Texts.of(GIVEN)
    joined = Texts.concatenate([texts[2:], Texts.empty(1), texts[:1]])
    assert joined == [*GIVEN[2:], b"", GIVEN[0]]
