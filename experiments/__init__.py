"""Experiments: one question a file, each run as ``python -m experiments.NAME --out FOLDER``."""

import os

# Many small fits: on a busy machine threads inside each cost ten times what they save. Set before
# NumPy is imported, and so that results do not depend on the number of cores.
for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
