"""Builds parton density sets for runs: the factory behind the name ``lhapdf``."""

from typing import TYPE_CHECKING

from crosshook.adapters.lhapdf.grid import LhapdfGrid, OutsideQ

if TYPE_CHECKING:
    from crosshook.core.context import BuildContext


def make_parton_density(
    context: "BuildContext", *, set: str, member: int, below_q_min: OutsideQ
) -> LhapdfGrid:
    """Loads a set; the options are those of `LhapdfGrid.load`."""
    return LhapdfGrid.load(set, context.torch_device, member=member, below_q_min=below_q_min)
