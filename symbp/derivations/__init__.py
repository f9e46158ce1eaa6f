"""Equations to something to read: names for what is derived, LaTeX and text."""

from symbp.derivations.derivation import Derivation
from symbp.derivations.derive import derive
from symbp.derivations.equations import DerivedEquation, Statement

__all__ = ["Derivation", "DerivedEquation", "Statement", "derive"]
