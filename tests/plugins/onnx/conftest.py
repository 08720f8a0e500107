"""ONNX models made on the spot: what a stranger's file may look like."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

S_HAT = """
<ir_version: 8, opset_import: ["" : 17]>
stranger (TYPE[N, LEGS, 4] p) => (TYPE[N] me2) {
  first = Constant<value_ints = [0]>()
  second = Constant<value_ints = [1]>()
  one = Constant<value_ints = [1]>()
  a = Gather<axis = 1>(p, first)
  b = Gather<axis = 1>(p, second)
  total = Add(a, b)
  square = Mul(total, total)
  metric = Constant<value = float[4] {1.0, -1.0, -1.0, -1.0}>()
  signs = Cast<to = KIND>(metric)
  terms = Mul(square, signs)
  axes = Constant<value_ints = [1, 2]>()
  me2 = ReduceSum<keepdims = 0>(terms, axes)
}
"""
"""|M|² = ŝ in GeV², for any number of legs."""


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Path]:
    """Writes the model |M|² = ŝ, or what is made of it.

    Args of the fixture's function: n and legs as dimensions, whether in float, and a change to the
    protobuf before it is written.
    """

    onnx = pytest.importorskip("onnx", reason="the extra onnx is not installed")

    def write(
        *,
        n: str = "N",
        legs: str = "M",
        single: bool = False,
        change: Callable[[object], None] | None = None,
    ) -> Path:
        text = S_HAT.replace("[N", f"[{n}").replace("LEGS", legs)
        kind, number = ("float", 1) if single else ("double", 11)
        made = onnx.parser.parse_model(text.replace("TYPE", kind).replace("KIND", str(number)))
        if change is not None:
            change(made)
        path = tmp_path / "model.onnx"
        path.write_bytes(made.SerializeToString())
        return path

    return write
