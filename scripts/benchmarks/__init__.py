"""What `scripts/benchmark.py` measures: problems, solvers, and each pair of them in a process of its own."""
