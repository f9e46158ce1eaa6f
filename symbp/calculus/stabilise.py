"""stabilise: rewrite what users write by hand into what does not overflow.

``log(exp(z) / Σ exp(z))`` is right on paper and ``-inf`` or ``nan`` in floating point. Each
quantity made of exponentials is carried as what it is, a factor times the exponential of a
logarithm (:mod:`symbp.calculus.scaled`), through products, quotients, powers, sums and equations.
Here is where that makes a difference: in logarithms, in products and powers of what can leave the
range, in differences that cancel. Everything else stays as it was written. It is done before
differentiation, so that the derivative is stable too.
"""

import sympy
from sympy.core.expr import Expr
from sympy.logic.boolalg import Boolean

from symbp.calculus.analysis import Analysis
from symbp.calculus.log_form import build, is_separated
from symbp.calculus.scaled import Scaled
from symbp.calculus.zero_weights import closed, opened
from symbp.notation.collected import factors
from symbp.notation.equation import Equation, Origin, elements_of
from symbp.notation.functions import log1p, minimum, sigmoid, softplus
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.standard import Abs
from symbp.notation.tensor import Element

__all__ = ["stabilise"]


def stabilise(program: Program) -> Program:
    """Return an equivalent program whose logarithms, exponentials and quotients are stable.

    Parameters
    ----------
    program : Program
        A normalised program that is not differentiated yet.

    Returns
    -------
    Program
        Every tensor keeps an equation, also one that nothing reads any more; logarithms of sums
        of exponentials are new tensors.

    Examples
    --------
    >>> import symbp as bp
    >>> z, a, C = bp.parameter("z"), bp.tensor("a"), bp.tensor("C")
    >>> equations = [bp.Equation(a, bp.sigmoid(z[()])), bp.Equation(C, -bp.log(1 - a))]
    >>> print(stabilise(bp.Program(equations, cost=C)))
    a = sigmoid(z)
    C = softplus(z)
    """
    program = opened(program)
    seen = Analysis(program)
    for equation in program.equations:
        if equation.origin.rule != "stabilise":
            body = _rewrite(equation.body, seen, {})
            if body != equation.body:
                equation = equation.replace(body=body, origin=Origin("stabilise", equation))
        seen.add(equation)
        _join(equation, seen)
    return closed(program.replace(equations=(*seen.needed(), *_kept(program, seen))))


def _join(last: Equation, seen: Analysis) -> None:
    """Make one equation of those of a tensor, if what they add up to cancels.

    normalise gives ``1 - Sum(p**2, k)`` two. Likewise where the sum is a number, as that of the
    entries of a softmax is.
    """
    added = seen.contributions(last.tensor)
    known = seen.of_tensor(last.tensor) if added else None
    if known is None or last.body.is_number:
        return
    value: Expr | None = known.factor
    if not (known.is_plain and known.factor.is_number):
        value = seen.value_of_difference(added[0].lhs) if len(added) > 1 else None
        if value is None or not seen.is_difference(added):
            return
    equations = [e for e in seen.equations if e.tensor is not last.tensor]
    joined = added[0].replace(
        body=value, reduce=(), accumulate=False, origin=Origin("stabilise", last)
    )
    seen.equations[:] = [*equations, joined]


def _kept(program: Program, seen: Analysis) -> list[Equation]:
    """Return an equation that adds 0 to the cost for each parameter that is gone from it."""
    read = {element.tensor for equation in seen.needed() for element in equation.reads()}
    gone = [t for t in program.tensors if t.role != "intermediate" and t not in read]
    if program.cost is None or not gone:
        return []
    zeros = [minimum(Abs(Element(t, *(sympy.S.Zero,) * t.rank)), 0) for t in gone]
    body = sum(zeros[1:], zeros[0])
    origin = Origin("stabilise")
    return [Equation(program.cost.element, body, accumulate=True, origin=origin)]


def _rewrite(node: Expr, seen: Analysis, done: dict[Expr, Expr]) -> Expr:
    """Rewrite an expression, innermost first."""
    if isinstance(node, (Element, Boolean)) or not node.args:
        return node
    if node not in done:
        arguments = [_rewrite(argument, seen, done) for argument in node.args]
        same = all(new is old for new, old in zip(arguments, node.args, strict=True))
        done[node] = _rewritten(node if same else node.func(*arguments), seen)
    return done[node]


def _rewritten(node: Expr, seen: Analysis) -> Expr:
    """Rewrite the outermost operation."""
    if isinstance(node, (sympy.log, log1p)):
        return _logarithm(node, seen)
    if isinstance(node, sympy.Add):
        return _sum(node, seen)
    if isinstance(node, sympy.Mul):
        return _product(node, seen)
    if isinstance(node, sympy.Pow):
        return _power(node, seen)
    return node


def _logarithm(node: Expr, seen: Analysis) -> Expr:
    """Rewrite the logarithm of a quantity that is known by its logarithm, or near 1."""
    argument = node.args[0] + 1 if isinstance(node, log1p) else node.args[0]
    form = seen.log_of(argument, node)
    if form != {node: 1}:
        return build(seen.without_cancellation(form, every=True))
    rest = None if isinstance(node, log1p) else _above_one(argument, seen)
    return node if rest is None else log1p(rest)


def _above_one(node: Expr, seen: Analysis) -> Expr | None:
    """Return x if the expression is 1 + x."""
    node = seen.definition(node)
    if isinstance(node, sympy.Add):
        constant, rest = node.as_coeff_Add()
        if float(constant) == 1:
            return rest
    return None


def _product(node: Expr, seen: Analysis) -> Expr:
    """Rewrite a product of two exponentials or more, unless none of them can be large."""
    known = [part for part in map(seen.scaled, factors(node)) if not part.is_plain]
    if known and all(map(seen.is_bounded, known)):
        return _entropy(node, seen)
    return node if len(known) < 2 else seen.value(seen.scaled(node))


def _entropy(node: Expr, seen: Analysis) -> Expr:
    """Rewrite ``p·log p`` with the logarithm of a softmax: where p is 1, all of it is log p."""
    result = []
    for factor in node.args:
        form = seen.form(factor)
        stable = seen.without_cancellation(form, every=True) if seen.has_logs(form) else form
        result.append(factor if stable == form else build(stable))
    return node if result == list(node.args) else node.func(*result)


def _power(node: Expr, seen: Analysis) -> Expr:
    """Rewrite a reciprocal, a root or a variable power of an exponential."""
    base, exponent = node.args
    known = seen.scaled(base)
    if known.is_plain or seen.is_softplus(known) or (exponent.is_Integer and exponent > 0):
        return node
    whole = seen.scaled(node)
    return node if whole.is_plain else seen.value(whole)


def _sum(node: Expr, seen: Analysis) -> Expr:
    """Rewrite a sum in which exponentials, or logarithms of their sums, cancel."""
    terms = list(node.args)
    pair = _cancelling(terms, seen)
    while pair is not None:
        first, second, value = pair
        terms[first] = value
        del terms[second]
        pair = _cancelling(terms, seen)
    _collect_entropies(terms, seen)
    if len(terms) < len(node.args):
        node = sum(terms[1:], terms[0])
    if not isinstance(node, sympy.Add):
        return node
    seen.cancelled = False
    form = seen.form(node)
    if not seen.has_logs(form):
        return node
    cancelled, stable = seen.cancelled, seen.without_cancellation(form)
    if cancelled:
        return build(stable)
    seen.inverting = False
    as_it_is = seen.form(node)
    seen.inverting = True
    same = stable in (form, as_it_is) and not is_separated(stable)
    return node if same else build(stable)


def _cancelling(terms: list[Expr], seen: Analysis) -> tuple[int, int, Expr] | None:
    """Return the positions of two terms ``c·q`` and ``-c·r``, and their sum without cancelling."""
    # A sum can have thousands of terms, few of them exponentials.
    known = [
        (position, quantity, seen.tanh_in(term) is not None)
        for position, term in enumerate(terms)
        if (quantity := seen.scaled(term)).factor.is_number or seen.tanh_in(term) is not None
    ]
    for later, (second, one, is_tanh) in enumerate(known):
        for first, other, was_tanh in known[:later]:
            plain = one.is_plain and other.is_plain
            if plain and is_tanh == was_tanh:
                continue
            pair = terms[first] + terms[second]
            if not isinstance(pair, sympy.Add):
                continue
            if plain:
                special = seen.scaled(pair)
                if not special.is_plain:
                    return first, second, seen.value(special)
                continue
            if not _are_opposite(one, other) or seen.is_softplus(one, other):
                continue
            value = seen.value_of_difference(pair)
            if value is not None:
                return first, second, value
    return None


def _collect_entropies(terms: list[Expr], seen: Analysis) -> None:
    """Write ``-p·log p - (1 - p)·log(1 - p)`` with the p = σ(v) as one term.

    The two terms change in opposite ways; as ``softplus(-|v|) + |v|·σ(-|v|)`` what cancels of
    their derivatives does so to the last digit.
    """
    known = {place: found for place, term in enumerate(terms) if (found := _half(term, seen))}
    for place, (number, v) in list(known.items()):
        other = next((at for at, half in known.items() if half == (number, -v)), None)
        if place in known and other is not None:
            size = Abs(_named(v, seen))
            terms[place] = number * (softplus(-size) + size * sigmoid(-size))
            terms[other] = sympy.S.Zero
            del known[place], known[other]
    terms[:] = [term for term in terms if term != 0]


def _named(v: Expr, seen: Analysis) -> Expr:
    """Return an element of a tensor that is v: two factors of one slope are then the same."""
    elements = elements_of(v)
    if isinstance(v, Element) or not all(element.is_plain for element in elements):
        return v
    indices = tuple(dict.fromkeys(i for element in elements for i in element.args))
    return v if v.atoms(Index) - set(indices) else seen.make("logit", indices, v)


def _half(term: Expr, seen: Analysis) -> tuple[Expr, Expr] | None:
    """Return c and v of ``c·σ(v)·softplus(-v)``."""
    number, rest = term.as_coeff_Mul()
    parts = factors(rest)
    for one, other in (parts, parts[::-1]) if len(parts) == 2 else ():
        if isinstance(other, softplus) and seen.scaled(one) == Scaled(log={other: -sympy.S.One}):
            return number, -other.args[0]
    return None


def _are_opposite(first: Scaled, second: Scaled) -> bool:
    return bool(first.factor.is_number and first.factor + second.factor == 0)
