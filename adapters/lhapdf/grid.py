"""A parton density set in LHAPDF6's grid format, evaluated in torch.

The interpolation is that of LHAPDF 6.5 (log-bicubic); see `bicubic` and `stencil`.
"""

from pathlib import Path
from typing import Literal, get_args

import torch
from torch import Tensor

from crosshook.adapters.lhapdf.alpha_s import AlphaS, alpha_s_of, number
from crosshook.adapters.lhapdf.bicubic import BicubicGrid
from crosshook.adapters.lhapdf.continuation import Continuation
from crosshook.adapters.lhapdf.grid_file import GridTable, read_grid, read_info
from crosshook.adapters.lhapdf.set_search import find_set
from crosshook.core.errors import ConfigurationError, InputError, NumericalError

OutsideQ = Literal["freeze", "continuation", "error"]
X_ROUNDING = 1e-12
"""Relative excess of x over the grid's ends that is taken as rounding."""

COUPLING_KEYS = frozenset({"MZ", "MCharm", "MBottom", "MTop", "NumFlavors"})
"""Metadata beside AlphaS_... that the running depends on."""


class LhapdfGrid:
    """One set, its members read when first asked for.

    Attributes:
        name: Name of the set, that of its folder.
        set_index: LHAPDF identifier, 0 where the set has none.
        n_members: Number of members the set declares.
        flavours: PDG identifiers in the order of the grid, the gluon is 21.
        x_min, x_max: Range of the grid in the momentum fraction.
        q_min, q_max: Range of the grid in Q (GeV).
        description: The set's own words.
        error_type: How its members make an error: replicas, hessian, ...; empty if not said.
        member: Number of the member evaluated where none is named.
    """

    def __init__(self, folder: Path, *, member: int = 0, below_q_min: OutsideQ = "freeze") -> None:
        if below_q_min not in get_args(OutsideQ):
            message = f"below_q_min: '{below_q_min}' given, one of {', '.join(get_args(OutsideQ))} allowed"
            raise ConfigurationError(message)
        self._folder = folder
        self._outside = below_q_min
        self._tables: dict[int, GridTable] = {}
        self._grids: dict[tuple[int, torch.device], BicubicGrid] = {}
        self.name = folder.name
        path = folder / f"{folder.name}.info"
        info = read_info(path)
        if str(info.get("Format", "lhagrid1")) != "lhagrid1":
            message = f"{path}: Format: 'lhagrid1' expected, '{info['Format']}' found"
            raise InputError(message)
        self.set_index = int(number(info, "SetIndex", path, default=0.0))
        self.n_members = int(number(info, "NumMembers", path, default=1.0))
        self.description = str(info.get("SetDesc", ""))
        self.error_type = str(info.get("ErrorType", ""))
        self.member = member
        table = self._table(member)
        self.flavours = table.flavours
        self.x_min, self.x_max = float(table.x[0]), float(table.x[-1])
        self.q_min, self.q_max = float(table.q[0]), float(table.q[-1])
        distinct = table.q[table.q < table.q[-1]]
        self._continuation = Continuation(
            (self.x_min, float(table.x[1])), self.q_min, (self.q_max, float(distinct[-1]))
        )
        self._info, self._info_path = info, path
        self._couplings: dict[int | None, AlphaS] = {}
        self._coupling(member)

    @classmethod
    def load(
        cls,
        name_or_path: str | Path,
        device: torch.device | str = "cpu",
        *,
        member: int = 0,
        below_q_min: OutsideQ = "freeze",
    ) -> "LhapdfGrid":
        """Finds a set and puts one member on a device.

        Args:
            name_or_path: Name of a shipped set or of one in LHAPDF_DATA_PATH; or its folder.
            device: Where it will be evaluated; other devices are served when asked for.
            member: Member to evaluate where none is named.
            below_q_min: What happens outside the grid. ``freeze``: densities and α_s keep their
                value at q_min below, and at q_max above. ``continuation``: LHAPDF's own
                extrapolation, also below x_min. ``error``: scales outside are an error.

        Raises:
            ConfigurationError: If there is no such set or member.
            InputError: If its files cannot be read.
        """
        density = cls(find_set(name_or_path), member=member, below_q_min=below_q_min)
        density._grid(member, torch.device(device))
        return density

    def xf(self, x: Tensor, q: Tensor, member: int | None = None) -> Tensor:
        """Momentum densities x·f(x, Q) of all flavours; differentiable in x and Q.

        Args:
            x: Momentum fractions in [x_min, x_max], (n,).
            q: Factorisation scales Q (GeV), (n,).
            member: Member of the set; the one it was loaded with where none is named.

        Returns:
            (n, len(flavours)), float64, on the device of ``x``.

        Raises:
            ConfigurationError: If there is no such member.
            NumericalError: If an x or Q is not in the range (see `load`) or not a number.
        """
        if x.ndim != 1 or x.shape != q.shape:
            message = (
                f"{self.name}: x and q of one shape (n,) expected, {tuple(x.shape)} and "
                f"{tuple(q.shape)} given"
            )
            raise NumericalError(message)
        x, q = x.double(), q.double()
        continued = self._outside == "continuation"
        self._check("x", x, 0.0 if continued else self.x_min, self.x_max, X_ROUNDING)
        self._check_scale(q)
        grid = self._grid(self.member if member is None else member, x.device)
        if continued:
            return self._continued(grid, x.clamp(max=self.x_max), q)
        return grid(x.clamp(self.x_min, self.x_max), q.clamp(self.q_min, self.q_max))

    def alpha_s(self, q: Tensor, member: int | None = None) -> Tensor:
        """α_s(Q) as the set gives it; outside the range as said in `load`.

        Members made for another α_s(M_Z) say so in their own metadata.

        Args:
            q: Renormalisation scales Q (GeV), (n,).
            member: Member of the set; the one it was loaded with where none is named.

        Returns:
            (n,), float64, on the device of ``q``.
        """
        q = q.double()
        self._check_scale(q)
        return self._coupling(self.member if member is None else member)(q)

    def _coupling(self, member: int) -> AlphaS:
        """The coupling of a member; those without metadata of their own on it share the set's."""
        header = self._table(member).header
        own = any(key.startswith("AlphaS") or key in COUPLING_KEYS for key in header)
        key = member if own else None
        if key not in self._couplings:
            self._couplings[key] = alpha_s_of(
                {**self._info, **header} if own else self._info,
                self._info_path,
                self.q_min,
                continued=self._outside == "continuation",
            )
        return self._couplings[key]

    def _continued(self, grid: BicubicGrid, x: Tensor, q: Tensor) -> Tensor:
        inside = grid(x.clamp(self.x_min, self.x_max), q.clamp(self.q_min, self.q_max))
        if x.is_meta:  # how many points lie outside is not known without values
            return inside
        outside = (x < self.x_min) | (q < self.q_min) | (q > self.q_max)
        rows = outside.nonzero()[:, 0]
        if not rows.numel():
            return inside
        return inside.index_copy(0, rows, self._continuation(grid, x[rows], q[rows]))

    def _check_scale(self, q: Tensor) -> None:
        if self._outside == "error":
            self._check("Q", q, self.q_min, self.q_max, 0.0)
        else:
            self._check("Q", q, 0.0, float("inf"), 0.0)

    def _check(self, what: str, values: Tensor, low: float, high: float, slack: float) -> None:
        """Raises unless all values are positive and within [low, high]; written so that NaN does."""
        if values.is_meta:
            return
        values = values.detach()
        fine = (values >= low * (1.0 - slack)) & (values <= high * (1.0 + slack)) & (values > 0.0)
        if not bool(fine.all()):
            bad = values[~fine]
            message = (
                f"{self.name}: {what} = {float(bad[0]):.10g} ({bad.numel()} of {values.numel()} "
                f"points) is outside the allowed range {low:g} to {high:g}"
            )
            if what == "x" and 0.0 < float(bad[0]) < low:
                message += "; the option 'below_q_min: continuation' goes on below the grid"
            raise NumericalError(message)

    def _table(self, member: int) -> GridTable:
        if member not in self._tables:
            path = self._folder / f"{self.name}_{member:04d}.dat"
            if not 0 <= member < self.n_members or not path.is_file():
                files = self._folder.glob(f"{self.name}_[0-9][0-9][0-9][0-9].dat")
                here = sorted(int(file.stem[-4:]) for file in files)
                message = (
                    f"parton density set '{self.name}': member {member} asked for; the set declares "
                    f"{self.n_members} members, {self._folder} holds number "
                    f"{', '.join(map(str, here[:10])) or 'none'}{', ...' if here[10:] else ''}"
                )
                raise ConfigurationError(message)
            table = read_grid(path)
            known = next(iter(self._tables.values()), table)
            if table.flavours != known.flavours:
                message = f"{path}: the flavours of the set's other members expected"
                raise InputError(message)
            self._tables[member] = table
        return self._tables[member]

    def _grid(self, member: int, device: torch.device) -> BicubicGrid:
        key = member, device
        if key not in self._grids:
            self._grids[key] = BicubicGrid(self._table(member), device)
        return self._grids[key]
