"""NumPy with one thread: matrices as small as ours are multiplied several times as fast by one."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # heeded only before NumPy is imported for the first time

import numpy as np
from numpy.typing import NDArray

__all__ = ["NDArray", "np"]
