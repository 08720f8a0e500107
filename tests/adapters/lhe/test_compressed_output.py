"""Compressed members of files: the same bytes for the same text, however they are made."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pytest

from crosshook.adapters.lhe.compressed_output import BLOCK, Member, compressed, compression_of

if TYPE_CHECKING:
    from pathlib import Path

LEVELS = range(4)
TEXTS = 3000


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_the_same_bytes_with_a_thread_of_its_own(tmp_path: Path, ending: str) -> None:
    """Who compresses does not matter, nor in what pieces the text comes."""
    if ending == ".zst":
        pytest.importorskip("zstandard", reason="zstandard is not installed (extra zstd)")
    text = np.random.default_rng(1).integers(48, 58, 3 * BLOCK + 17, np.uint8).tobytes()
    made = []
    for beside, piece in ((True, BLOCK // 3), (False, 2 * BLOCK)):
        path = tmp_path / f"{beside}{ending}"
        with path.open("wb") as file:
            member = Member(file, compression_of(path, 1)(), beside=beside)
            for start in range(0, len(text), piece):
                member.write(text[start : start + piece])
            member.close()
        made.append(path.read_bytes())
    assert made[0] == made[1]
    if ending == ".gz":
        assert gzip.decompress(made[0]) == text


@pytest.mark.parametrize("level", LEVELS)
def test_the_same_bytes_wherever_the_compressor_is(tmp_path: Path, level: int) -> None:
    """30 compressors at places of their own, for texts that begin and go on with the same bytes.

    isal alone differs for one text of about 250 at level 1, one of about 1300 at level 2: 3000 find
    that with a probability of more than 99 %, and of about 90 %.
    """
    rng = np.random.default_rng(20261123)
    make = compression_of(tmp_path / "events.lhe.gz", level)
    one, two = (rng.integers(32, 64, 300, np.uint8).tobytes() for _ in range(2))
    for _ in range(TEXTS):
        begin = rng.bytes(8)
        there = [make() for _ in range(30)]
        assert len({compressed(begin + one + begin + two, c) for c in there}) == 1


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("length", [0, 1, 7, 8, 9, 24, 25, 300, 100_000])
def test_gzip_gives_back_what_it_took(tmp_path: Path, level: int, length: int) -> None:
    """Texts of any length, those around the first block included."""
    text = np.random.default_rng(2).integers(48, 58, length, np.uint8).tobytes()
    path = tmp_path / "events.lhe.gz"
    assert gzip.decompress(compressed(text, compression_of(path, level)())) == text
