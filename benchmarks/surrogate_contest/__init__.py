"""Parts of benchmarks/surrogates.py."""
