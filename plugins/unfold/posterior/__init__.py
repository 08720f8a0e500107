"""Unfolders that learn p(truth | reco) and draw from it: `conditional-flow`, `conditional-flow-matching`."""
