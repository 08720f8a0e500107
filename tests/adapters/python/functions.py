"""Functions as a user would write them, right and wrong ones."""

import numpy as np
import torch


def product(u):
    """Integral 1 in any number of dimensions."""
    return (2 * u).prod(1)


def product_numpy(u):
    """The same with numpy."""
    return np.prod(2 * u, axis=1)


def signed(u):
    """Integral 0.5: negative for a quarter of the points."""
    return torch.where(u[:, 0] < 0.25, -1.0, 1.0).to(torch.float64)


def changes_its_argument(u):
    """Whatever it does to its copy harms nobody."""
    value = u.sum(1)
    u.zero_()
    return value


def one_by_one(u):
    """Does not work on batches."""
    return float(u[0])


def too_many(u):
    """One value too many."""
    return torch.zeros(len(u) + 1, dtype=torch.float64)


def half_known(u):
    """Momenta of e+e- → µ+µ- at 10 GeV along z, no numbers for u1 > 1/2; the value is 0 for u0 < 1/4."""
    value = (u[:, 0] >= 0.25).to(torch.float64)
    momenta = torch.zeros(len(u), 4, 4, dtype=torch.float64)
    momenta[:, :, 0] = 5.0
    momenta[:, ::2, 3], momenta[:, 1::2, 3] = 5.0, -5.0
    momenta[u[:, 1] > 0.5, 2:] = torch.nan
    return value, momenta


def constant(momenta, alpha_s):
    """|M|² = 1."""
    return torch.ones_like(alpha_s)


def constant_numpy(momenta, alpha_s):
    """|M|² = 1 with numpy."""
    return np.ones_like(alpha_s)


def strong(momenta, alpha_s):
    """|M|² ∝ α_s²."""
    return alpha_s**2


def energy(momenta, alpha_s):
    """No invariant."""
    return momenta[:, 2, 0]
