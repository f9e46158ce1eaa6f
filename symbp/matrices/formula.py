"""A matrix formula in; its gradient, Hessian or Jacobian out, as short as in a book."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

from symbp.matrices.assumptions import Assumptions
from symbp.matrices.declared import completed, read_shape
from symbp.matrices.derive import GRADIENT, HESSIAN, JACOBIAN, derivative_tree
from symbp.matrices.evaluate import Array, Undefined
from symbp.matrices.from_sympy import read_sympy
from symbp.matrices.functions import FUNCTIONS
from symbp.matrices.guard import DRAWS, Comparison, compared
from symbp.matrices.module import module_text
from symbp.matrices.numpy_function import NumpyFunction
from symbp.matrices.parser import NAME, parse
from symbp.matrices.printing import latex, text
from symbp.matrices.shapes import Shapes
from symbp.matrices.tree import Tree, walk
from symbp.notation.errors import SymbpError, UnsupportedError, suggest

__all__ = ["Formula", "MatrixDerivative", "formula"]


def formula(
    written: Any,
    /,
    *,
    assume: Mapping[str, str | Collection[str]] | Iterable[str] | str | None = None,
    functions: Collection[str] = (),
    **shapes: Any,
) -> "Formula":
    r"""Return a formula of matrices, vectors and scalars, to be differentiated and printed.

    Parameters
    ----------
    written : str, or a SymPy expression of MatrixSymbols
        The formula, in the language of matrixcalculus.org: ``'`` transposes, ``.* ./ .^`` work
        element by element, ``norm2(A*x - b)^2``; see ``docs/matrix_calculus.md``. What
        ``from_matrices`` reads can be given too, if the language has it.
    assume : mapping or iterable of str, optional
        What holds of the values: ``{"A": "symmetric"}`` or ``["A symmetric", "x positive"]``.
        Known are symmetric, positive definite, diagonal, orthogonal, invertible, full row rank,
        full column rank, positive, nonzero, in (0,1), in {0,1}, in {-1,1}, sums to 1, rows sum
        to 1.
    functions : collection of str, optional
        Names of undefined functions, applied element by element: with ``functions=["f"]`` the
        derivative of ``sum(f(x))`` is ``f'(x)``.
    **shapes : tuple of str or int
        The shape of a symbol: ``A=("m", "n")``, ``x=("n",)``, ``c=()``. Extents are letters. What
        is not given follows from the formula, if it does.

    Returns
    -------
    Formula

    Raises
    ------
    SymbpError
        The text is no formula, shapes do not fit or do not follow, an assumption is not known.

    Notes
    -----
    The formula is read as an index expression, differentiated by the product and chain rules, and
    read back as products of matrices. [1]_ derives matrix calculus in this way.

    References
    ----------
    .. [1] S. Laue, M. Mitterreiter, J. Giesen, "Computing Higher Order Derivatives of Matrix and
       Tensor Expressions", NeurIPS 2018.

    Examples
    --------
    >>> import symbp as bp
    >>> f = bp.formula("norm2(A*x - b)^2 + c*norm1(x)")
    >>> print(f.gradient("x"))
    2 Aᵀ (A x - b) + c sign(x)
    >>> print(f.gradient("x").ascii())
    2*A'*(A*x - b) + c*sign(x)
    >>> print(bp.formula("x'*A*x").gradient("x"))
    (A + Aᵀ) x
    >>> print(bp.formula("x'*A*x", assume={"A": "symmetric"}).hessian("x").latex())
    2 A
    """
    for name in functions:
        if not isinstance(name, str) or not NAME.fullmatch(name) or name in FUNCTIONS:
            raise SymbpError(f"function {name!r}: expected a name that is not taken")
    own = tuple(functions)
    given = {name: read_shape(name, shape) for name, shape in shapes.items()}
    if isinstance(written, str):
        tree = parse(written, own)
    else:
        tree, found = read_sympy(written)
        given = {**found, **given}
    names = dict.fromkeys(str(node.value) for node in walk(tree) if node.head == "symbol")
    assumptions = Assumptions(assume, names)
    declared = completed(tree, given, assumptions.square())
    return Formula(tree, declared, assumptions, own)


class Formula:
    """A formula with the shapes of its symbols; :func:`symbp.formula` makes it.

    Attributes
    ----------
    tree : Tree
        What was read.
    shapes : dict of str to tuple of str
        The extents of each symbol, in the order of the formula.

    Examples
    --------
    >>> import symbp as bp
    >>> f = bp.formula("logdet(X)", assume={"X": "positive definite"})
    >>> f.shapes
    {'X': ('m', 'm')}
    >>> print(f.gradient("X"))
    X⁻¹
    """

    def __init__(
        self,
        tree: Tree,
        declared: dict[str, tuple[str, ...]],
        assumptions: Assumptions,
        functions: tuple[str, ...] = (),
    ) -> None:
        self.tree, self.shapes = tree, declared
        self._assumptions, self._functions = assumptions, functions
        self._shapes = Shapes(declared)
        self._node = self._shapes.infer(tree)
        self._extents = [tuple(self._shapes.resolve(extent)) for extent in self._node.shape]
        self._known: dict[tuple[str, str], MatrixDerivative] = {}

    def gradient(self, wrt: str) -> "MatrixDerivative":
        """Return the gradient of a scalar, which has the shape of the variable.

        Parameters
        ----------
        wrt : str
            The variable.

        Returns
        -------
        MatrixDerivative

        Raises
        ------
        SymbpError
            The formula is no scalar, or has no such variable.
        UnsupportedError
            The gradient cannot be said by products of matrices.
        """
        return self._derivative(wrt, GRADIENT)

    def hessian(self, wrt: str) -> "MatrixDerivative":
        """Return the Hessian of a scalar; by a matrix, its columns stacked.

        Parameters
        ----------
        wrt : str
            The variable.

        Returns
        -------
        MatrixDerivative

        Raises
        ------
        SymbpError
            The formula is no scalar, or has no such variable.
        UnsupportedError
            The Hessian cannot be said by products of matrices and Kronecker products.
        """
        return self._derivative(wrt, HESSIAN)

    def jacobian(self, wrt: str) -> "MatrixDerivative":
        """Return the Jacobian J[i, j] = ∂fᵢ/∂xⱼ of a column; a matrix variable through vec.

        Parameters
        ----------
        wrt : str
            The variable.

        Returns
        -------
        MatrixDerivative

        Raises
        ------
        SymbpError
            The formula is a matrix, or has no such variable.
        UnsupportedError
            The Jacobian cannot be said by products of matrices and Kronecker products.

        Examples
        --------
        >>> import symbp as bp
        >>> print(bp.formula("vec(A*X*B)").jacobian("X"))
        Bᵀ ⊗ A
        """
        return self._derivative(wrt, JACOBIAN)

    def text(self) -> str:
        """Return the formula itself as Unicode text."""
        return text(self._node, self._shapes)

    def latex(self) -> str:
        """Return the formula itself as LaTeX."""
        return latex(self._node, self._shapes)

    def ascii(self) -> str:
        """Return the formula itself in the language."""
        return str(self.tree)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        shapes = "".join(f", {name}={shape!r}" for name, shape in self.shapes.items())
        return f"formula({self.ascii()!r}{shapes})"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def _derivative(self, wrt: str, kind: str) -> "MatrixDerivative":
        if not isinstance(wrt, str) or wrt not in self.shapes:
            raise SymbpError(f"variable {wrt!r}: {suggest(str(wrt), self.shapes)}")
        if (wrt, kind) not in self._known:
            facts = self._assumptions.facts
            tree = derivative_tree(self._shapes, self._node, facts, wrt, kind)
            made = MatrixDerivative(self, tree, wrt, kind)
            made.check()
            self._known[wrt, kind] = made
        return self._known[wrt, kind]


class MatrixDerivative:
    """A derivative, compared with differences at random values when it was made.

    Attributes
    ----------
    tree : Tree
        What it is.
    formula : Formula
        Of what.
    wrt : str
        By which variable.

    Examples
    --------
    >>> import symbp as bp
    >>> d = bp.formula("log(sum(exp(x)))").gradient("x")
    >>> d.text(), d.ascii(), d.nodes
    ('softmax(x)', 'softmax(x)', 2)
    >>> d.function()([0.0, 0.0])
    array([0.5, 0.5])
    """

    def __init__(self, of: Formula, tree: Tree, wrt: str, kind: str) -> None:
        self.formula, self.tree, self.wrt, self.kind = of, tree, wrt, kind
        self._shapes = Shapes(of.shapes)
        self._node = self._shapes.infer(tree)
        for extent, wanted in zip(self._node.shape, self._extents(), strict=True):
            self._shapes.unify(extent, wanted, tree)

    def _extents(self) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the shape that the derivative has."""
        x = self.formula.shapes[self.wrt]
        flat = x[::-1]
        if self.kind == GRADIENT:
            return x[:1], x[1:]
        if self.kind == HESSIAN:
            return flat, flat
        return self.formula._extents[0], flat

    @property
    def nodes(self) -> int:
        """The length: leaves, operators and calls."""
        return self.tree.nodes

    def text(self) -> str:
        """Return it as Unicode text."""
        return text(self._node, self._shapes)

    def latex(self) -> str:
        """Return it as LaTeX, without delimiters; ⊘ and 𝟙 need amssymb."""
        return latex(self._node, self._shapes)

    def ascii(self) -> str:
        """Return it in the language of formulas, so that it can be read back."""
        return str(self.tree)

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<{self.kind} by {self.wrt}: {self.text()}>"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.latex()}$"

    def check(self, draws: int = DRAWS) -> Comparison:
        """Compare it with differences at random values under which all assumptions hold.

        Parameters
        ----------
        draws : int
            How many random values.

        Returns
        -------
        Comparison
            The largest relative difference.

        Raises
        ------
        UnsupportedError
            They differ, or no values were found.

        Examples
        --------
        >>> import symbp as bp
        >>> bp.formula("x'*A*x").gradient("x").check().error < 1e-6
        True
        """
        of = self.formula
        function = of._shapes, of._node
        if self.kind == HESSIAN:
            # Differences of the gradient, which has been compared with those of the formula.
            gradient = of.gradient(self.wrt)
            function = gradient._shapes, gradient._node
        return compared(
            function,
            (self._shapes, self._node),
            self.wrt,
            of.shapes,
            of._assumptions,
            of._functions,
            draws,
        )

    def function(self, **functions: Callable[[Array], Array]) -> Callable[..., Any]:
        """Return a NumPy function of the symbols, by name or in the order of the formula.

        Parameters
        ----------
        **functions : callable
            Values of undefined functions: ``f`` and its derivatives as ``f_prime``,
            ``f_second``.

        Returns
        -------
        callable
            Takes scalars, vectors of shape (n,) and matrices of shape (m, n), and returns one,
            float64.

        Raises
        ------
        SymbpError
            The values of undefined functions are missing.

        Examples
        --------
        >>> import symbp as bp
        >>> gradient = bp.formula("norm2(A*x - b)^2").gradient("x").function()
        >>> gradient(A=[[1, 0], [0, 2]], x=[1, 1], b=[0, 0])
        array([2., 8.])
        """
        undefined = self._undefined(functions)
        extents = self._extents()
        return NumpyFunction(self._node, self._shapes, extents, self.ascii(), undefined)

    def module(self) -> str:
        """Return the text of a Python module with a function ``derivative``, which needs NumPy.

        Returns
        -------
        str
            The arguments are the symbols in the order of the formula; equal parts are computed
            once.

        Raises
        ------
        UnsupportedError
            The derivative has an undefined function.

        Examples
        --------
        >>> import symbp as bp
        >>> print(bp.formula("x'*x").gradient("x").module().splitlines()[-2].strip())
        t1 = t0 * a0
        """
        title = f"The {self.kind} of {self.formula.ascii()} by {self.wrt}: {self.ascii()}"
        return module_text(self._node, self._shapes, self._extents(), title)

    def _undefined(self, functions: Mapping[str, Callable[[Array], Array]]) -> Undefined:
        out: dict[str, Callable[[Array], Array]] = {}
        for part in walk(self.tree):
            if part.head != "call" or part.value in FUNCTIONS:
                continue
            name = str(part.value)
            base = name.rstrip("'")
            suffix = ["", "_prime", "_second"]
            primes = len(name) - len(base)
            if primes >= len(suffix):
                raise UnsupportedError(f"{name}: values of third derivatives cannot be given")
            argument = base + suffix[primes]
            if argument not in functions:
                raise SymbpError(f"{name} is undefined: give its values, function({argument}=…)")
            out[name] = functions[argument]
        return out
