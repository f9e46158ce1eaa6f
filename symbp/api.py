"""The driver: a handful of arrows, named, from a program to what is read or run.

::

    define ─► normalise ─► stabilise ─► reverse ─► optimise ─► expand ─► share ─► generate
"""

import hashlib
import importlib.util
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from symbp.calculus.expand import expand
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.calculus.share import share
from symbp.codegen.module import module_text
from symbp.networks.optimizers import SGD, Optimizer, optimise
from symbp.notation.errors import SymbpError
from symbp.notation.program import Program
try:
    from symbp.calculus.stabilise import stabilise
except ImportError:
    stabilise = lambda p: p

def source(program: Program, optimizer: Optimizer | None = None, dtype: str = "float64") -> str:
    """Return the text of the module that :func:`generate` writes."""
    # equations -> one reduction each -> forms that cannot overflow
    plain = stabilise(normalise(program))
    # -> equations of the gradient
    differentiated = reverse(plain)
    # -> equations of one optimizer step
    updated = optimise(differentiated, optimizer or SGD(0.1))
    # -> scalar bodies written out, each value computed once
    gradient, step = (share(expand(p)) for p in (differentiated, updated))
    # -> text
    return module_text(gradient, step, dtype, {}, "symbp")
