"""Differentiable maps from the unit cube to momenta, with exact densities and inverses."""
