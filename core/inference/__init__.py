"""Parameters from reconstructed events: models with parameters, likelihoods, scans, intervals."""
