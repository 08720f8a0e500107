"""A scattering process: matrix element, phase space, densities, scales and cuts in one integrand."""
