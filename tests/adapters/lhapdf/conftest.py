"""A writer of small LHAPDF6 sets with known contents."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

Function = Callable[[NDArray[np.float64], NDArray[np.float64]], Sequence[NDArray[np.float64]]]
SetWriter = Callable[..., Path]

FLAVOURS = (-1, 21, 1)


def write(
    folder: Path,
    function: Function,
    x: NDArray[np.float64],
    subgrids: Sequence[NDArray[np.float64]],
    members: int = 1,
    info: str = "AlphaS_MZ: 0.118\nMZ: 91.1876\nMCharm: 1.4\nMBottom: 4.5\n",
) -> Path:
    """Writes a set whose member k is (k + 1) times the function's three densities at (x, Q)."""
    folder.mkdir()
    header = "SetDesc: known functions\nSetIndex: 7\nFormat: lhagrid1\nErrorType: replicas\n"
    text = f"{header}NumMembers: {members}\nNumFlavors: 5\n{info}"
    (folder / f"{folder.name}.info").write_text(text)
    for member in range(members):
        lines = ["PdfType: central", "Format: lhagrid1", "---"]
        for q in subgrids:
            lines += [" ".join(f"{knot:.17g}" for knot in knots) for knots in (x, q)]
            lines.append(" ".join(str(flavour) for flavour in FLAVOURS))
            grid_x, grid_q = (axis.ravel() for axis in np.meshgrid(x, q, indexing="ij"))
            rows = (member + 1) * np.stack(function(grid_x, grid_q), axis=1)
            lines += [" ".join(f"{value:.17g}" for value in row) for row in rows]
            lines.append("---")
        (folder / f"{folder.name}_{member:04d}.dat").write_text("\n".join(lines) + "\n")
    return folder


@pytest.fixture
def write_set(tmp_path: Path) -> SetWriter:
    """Writes a set called Known; see `write`."""

    def writer(*arguments: object, **options: object) -> Path:
        return write(tmp_path / "Known", *arguments, **options)  # type: ignore[arg-type]

    return writer
