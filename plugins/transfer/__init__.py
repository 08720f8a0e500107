"""Transfer functions: parametric response, mixtures of Gaussians, splines, a transformer."""
