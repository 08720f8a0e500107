"""The reference files that larger tests read are the ones their figures were taken from."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

SUMS = Path(__file__).parent / "data" / "reference.sha256"
FILES = [line.split(maxsplit=1) for line in SUMS.read_text("utf-8").splitlines()]


@pytest.mark.parametrize(("checksum", "name"), FILES, ids=[name for _, name in FILES])
def test_reference_file_is_the_known_one(checksum: str, name: str) -> None:
    folder = os.environ.get("CROSSHOOK_REFERENCE_DATA")
    if not folder:
        pytest.skip("CROSSHOOK_REFERENCE_DATA is not set: the larger checks did not run")
    digest = hashlib.sha256((Path(folder) / name).read_bytes()).hexdigest()
    assert digest == checksum, f"{name} differs from the file the reference figures belong to"
