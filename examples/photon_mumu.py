"""e+e- → γ → µ+µ- in a few lines: dσ of two random numbers, with momenta, and |M|² of momenta."""

from math import pi

import torch

ALPHA = 1 / 137.035999
ENERGY = 10.0  # √s in GeV
PICOBARN = 0.3893793721e9  # (ħc)² in pb GeV²


def dsigma(u):
    """dσ/du in pb, `(n,)`, and momenta `(n, 4, 4)` for u `(n, 2)` in [0, 1]."""
    cosine, phi = 2 * u[:, 0] - 1, 2 * pi * u[:, 1]
    value = pi * ALPHA**2 / (2 * ENERGY**2) * (1 + cosine**2) * 2 * PICOBARN
    sine, one, zero = (1 - cosine**2).sqrt(), torch.ones_like(cosine), torch.zeros_like(cosine)
    across, beam = (sine * phi.cos(), sine * phi.sin(), cosine), (zero, zero, one)
    legs = [(one, *beam), (one, *(-b for b in beam)), (one, *across), (one, *(-a for a in across))]
    return value, ENERGY / 2 * torch.stack([torch.stack(leg, -1) for leg in legs], 1)


def squared(momenta, alpha_s):
    """|M|² = 32π²α² (t² + u²)/s² of momenta `(n, 4, 4)` in any frame."""
    metric = torch.tensor([1.0, -1.0, -1.0, -1.0], dtype=momenta.dtype, device=momenta.device)
    s, t, u = (
        (2 * metric * momenta[:, a] * momenta[:, b]).sum(1) for a, b in ((0, 1), (0, 2), (0, 3))
    )
    return 32 * pi**2 * ALPHA**2 * (t**2 + u**2) / s**2
