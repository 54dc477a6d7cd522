"""Every pytest run, of tests and of notebooks, is repeatable: no download, no cache, never a camera."""

import os

import seglib  # noqa: F401  sets how PyTorch waits, also for the notebooks' cells that import torch first

os.environ |= {"SEGLIB_OFFLINE": "1", "SEGLIB_SOURCE": "clip"}  # the notebooks' kernels inherit both
os.environ.pop("MPLBACKEND", None)  # a notebook's kernel chooses its own
