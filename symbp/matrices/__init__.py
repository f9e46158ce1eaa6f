"""Matrix calculus: derivatives of formulas of matrices, vectors and scalars, as books print."""

from symbp.matrices.formula import Formula, MatrixDerivative, formula

__all__ = ["Formula", "MatrixDerivative", "formula"]
