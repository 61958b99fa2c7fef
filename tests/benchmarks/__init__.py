"""Benchmarks, each beside a peer in the same run; ``run.py`` is the program.

Numeric libraries get one thread: a step is compared with a step, not a core with two.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"  # read when numpy and numba are imported, so before them
