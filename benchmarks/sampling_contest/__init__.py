"""The parts of `benchmarks/sampling.py`: cases, contenders, and the figures they are judged by."""
