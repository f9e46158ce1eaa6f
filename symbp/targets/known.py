"""known: the targets by name."""

from symbp.targets.c.module import C
from symbp.targets.numba.module import NUMBA
from symbp.targets.target import Target

__all__ = ["TARGETS"]

TARGETS: dict[str, Target] = {target.name: target for target in (NUMBA, C)}
