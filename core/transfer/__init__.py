"""Transfer functions: paired tables they learn from, training, evaluation, simulation of events."""
