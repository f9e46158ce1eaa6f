"""collapse: of derivatives along directions only the sum is carried, where only that is read.

::

    p[n, k, j] = v[n, k, j]² f[n, k] + q[n, k, j] g[n, k]      P[n, k] = Σ_j v[n, k, j]² f[n, k]
    L[n] = Σ_j Σ_k W[k] p[n, k, j]                       ─►    P[n, k] += Q[n, k] g[n, k]
                                                               L[n] = Σ_k W[k] P[n, k]

What is linear in a derivative of the highest order sums over its directions as well before as
after. A Laplacian in d dimensions then takes d + 2 products with the weights of each layer instead
of 2 d + 1 (Dangel, Siebert, Zeinhofer and Walther, "Collapsing Taylor mode automatic
differentiation", 2025).
"""

from collections.abc import Sequence

from sympy.core.expr import Expr

from symbp.notation.collected import factors, sum_of, terms
from symbp.notation.equation import Equation, Origin
from symbp.notation.forms import Form, check_door
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

__all__ = ["collapse"]


def collapse(program: Program) -> Program:
    r"""Return an equivalent program that sums over directions as early as it can.

    Parameters
    ----------
    program : Program
        A normalised program, not differentiated yet, whose derivatives have equations.

    Examples
    --------
    >>> import symbp as bp
    >>> from symbp.calculus.normalise import normalise
    >>> n, i, k = bp.indices("n i k", "N", 3, 4)
    >>> x, W, v = bp.input("x", n, i), bp.parameter("W", k, i), bp.parameter("v", k)
    >>> h, u, L, j = bp.tensor("h", n, k), bp.tensor("u", n), bp.tensor("L", n), bp.Index("j", 3)
    >>> equations = [
    ...     bp.Equation(h[n, k], bp.sin(bp.Sum(W[k, i] * x[n, i], i))),
    ...     bp.Equation(u[n], bp.Sum(v[k] * h[n, k], k)),
    ...     bp.Equation(L[n], bp.Sum(bp.Derivative(u[n], (x[n, j], 2)), j)),
    ... ]
    >>> print(*collapse(normalise(bp.Program(equations, cost=None))).equations[-3:], sep="\n")
    sum_d2h_dx_dx[n, k] = sum_{j} -W[k, j]**2*sin(h_sum[n, k])
    sum_d2u_dx_dx[n] = sum_{k} sum_d2h_dx_dx[n, k]*v[k]
    L[n] = sum_d2u_dx_dx[n]
    """
    check_door("collapse", program.forms, Form.NORMALISED)
    names = {tensor.name for tensor in program.tensors}
    kept = {program.cost, program.output, *(new for _, new in program.updates)}
    candidates = [t for t in dict.fromkeys(e.tensor for e in program.equations) if t not in kept]
    equations = list(program.equations)
    # From the last to the first: what reads a sum may be one only after its own readers.
    for tensor in reversed(candidates):
        if tensor.partial_of is not None:
            equations = _without_axis(equations, tensor, names)
    if equations == list(program.equations):
        return program
    return program.replace(equations=tuple(equations), passed=program.passed)


def _without_axis(equations: Sequence[Equation], tensor: Tensor, names: set[str]) -> list[Equation]:
    """Return equations that carry the sum of a tensor over an axis, if no other reads it."""
    own = [equation for equation in equations if equation.tensor is tensor]
    readers = [e for e in equations if any(r.tensor is tensor for r in e.reads())]
    axes = {_summed_axis(equation, tensor) for equation in readers}
    axis = axes.pop() if len(axes) == 1 else None
    if axis is None or any(not _can_sum(equation, axis, tensor) for equation in own):
        return list(equations)
    rest = tuple(index for a, index in enumerate(tensor.indices) if a != axis)
    total = Tensor(fresh_name(f"sum_{tensor.name}", names), rest, tensor.role)
    result: list[Equation] = []
    begun = False
    for equation in equations:
        if equation.tensor is tensor:
            for part in _by_linear(equation, axis):
                place = equation.lhs.args
                result.append(
                    equation.replace(
                        lhs=total[tuple(s for a, s in enumerate(place) if a != axis)],
                        body=sum_of(*part),
                        reduce=(*equation.reduce, place[axis]),
                        accumulate=begun,
                        origin=Origin("collapse", equation),
                    )
                )
                begun = True
        elif equation in readers:
            (element,) = (r for r in equation.reads() if r.tensor is tensor)
            args = tuple(s for a, s in enumerate(element.args) if a != axis)
            summed = Element(total, *args, serial=element.serial)
            reduce = tuple(i for i in equation.reduce if i is not element.args[axis])
            result.append(
                equation.replace(body=equation.body.xreplace({element: summed}), reduce=reduce)
            )
        else:
            result.append(equation)
    return result


def _summed_axis(equation: Equation, tensor: Tensor) -> int | None:
    """Return the axis over which an equation sums a tensor, with a factor that is free of it."""
    elements = [r for r in equation.reads() if r.tensor is tensor]
    if len(elements) != 1 or equation.operation != "sum" or equation.lhs.has(tensor):
        return None
    (element,) = elements
    others = _coefficient(equation.body, element)
    if others is None:
        return None
    for axis, subscript in enumerate(element.args):
        rest = [s for a, s in enumerate(element.args) if a != axis]
        if (
            isinstance(subscript, Index)
            and subscript in equation.reduce
            and not any(other.has(subscript) for other in (*others, *rest))
        ):
            return axis
    return None


def _coefficient(body: Expr, element: Element) -> list[Expr] | None:
    """Return the other factors of a product that holds an element once, and only as a factor."""
    found = list(factors(body))
    if found.count(element) != 1:
        return None
    found.remove(element)
    return None if any(factor.has(element) for factor in found) else found


def _can_sum(equation: Equation, axis: int, tensor: Tensor) -> bool:
    """Whether an equation of a tensor can be summed over an axis, term by term."""
    direction = equation.lhs.args[axis]
    if not isinstance(direction, Index) or equation.is_scatter or equation.operation != "sum":
        return False
    if any(read.tensor is tensor for read in equation.reads()):
        return False  # a recurrence
    return all(term.has(direction) for term in terms(equation.body))


def _by_linear(equation: Equation, axis: int) -> list[list[Expr]]:
    """Return the terms of a body: those that can be summed further inside each by itself."""
    direction = equation.lhs.args[axis]
    alone: list[list[Expr]] = []
    together: list[Expr] = []
    for term in terms(equation.body):
        varying = [e for e in term.atoms(Element) if e.has(direction)]
        others = _coefficient(term, varying[0]) if len(varying) == 1 else None
        linear = others is not None and not any(other.has(direction) for other in others)
        if linear and varying[0].tensor.partial_of is not None:
            alone.append([term])
        else:
            together.append(term)
    return [*([together] if together else []), *alone]
