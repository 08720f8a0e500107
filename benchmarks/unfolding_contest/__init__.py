"""The parts of `benchmarks/unfolding.py`: samples, methods, and the figures they are judged by."""
