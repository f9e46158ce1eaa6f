"""expand: write out what a derivation keeps by name, and tidy the scalar bodies.

``σ'(z)`` becomes the function's rule, a user's function its formula, ``stop_gradient`` its
argument; then contributions to one tensor that need no reduction are merged into one equation,
trivial definitions are inlined, and each body is kept in the shorter of its two usual forms.
"""

import functools
from collections.abc import Collection

import sympy
from sympy.core.expr import Expr

from symbp.calculus.algebra import Unknowns, is_derived, ordinary, restored
from symbp.calculus.log_form import computed_log_sum
from symbp.calculus.partial import partial
from symbp.calculus.quotients import over_one_denominator
from symbp.notation.by_identity import noted
from symbp.notation.collected import factors, product_of, sum_of, terms
from symbp.notation.equation import Equation, Origin, elements_of
from symbp.notation.forms import Form, check_door
from symbp.notation.functions import log_sum_exp, operation_of, sigmoid, softplus, stop_gradient
from symbp.notation.index import Index
from symbp.notation.operation import DerivativeForm, has_own_derivative
from symbp.notation.prime import Prime, expand_primes
from symbp.notation.program import Program
from symbp.notation.standard import translated
from symbp.notation.tensor import Element, Tensor

__all__ = ["expand", "expand_functions"]

# Arithmetic of indices: it has no record in the notation and no derivative.
_INTEGER_FUNCTIONS = (sympy.floor, sympy.ceiling, sympy.Mod)


def expand(program: Program, derivatives: DerivativeForm = "fast") -> Program:
    """Return the program with plain scalar bodies, in as few equations as that allows.

    Parameters
    ----------
    program : Program
        A differentiated (or plain) normalised program.
    derivatives : {"fast", "accurate"}
        Which form of a function's derivative is computed, where there are two.

    Returns
    -------
    Program
        Bodies hold built-in functions only, and no :class:`~symbp.notation.prime.Prime`.
    """
    check_door("expand", program.forms, Form.NORMALISED)
    equations = [_rewritten(equation, derivatives) for equation in program.equations]
    roots = set(program.roots)
    equations = _merge_contributions(equations)
    equations = _inline_trivial(equations, roots)
    equations = _merge_contributions(equations)
    passed = program.passed & ~Form.SHARED | Form.NORMALISED | Form.EXPANDED
    return program.replace(equations=tuple(_tidy(e) for e in equations), passed=passed)


# A program is expanded with its gradient, and again with a step, in which the same stands.
@noted
def _rewritten(equation: Equation, derivatives: DerivativeForm) -> Equation:
    return _sum_of_distribution(_written_out(_with_quotients(equation), derivatives))


@noted
def _tidy(equation: Equation) -> Equation:
    if not is_derived(equation):
        return equation  # what was written is evaluated as it was written
    body = shorter(equation.body)
    return equation if body is equation.body else equation.replace(body=body)


def expand_functions(body: Expr, derivatives: DerivativeForm = "fast") -> Expr:
    """Return the body with primes, users' functions and ``stop_gradient`` written out."""
    while True:
        body = expand_primes(_rules_written_out(body), derivatives)
        mapping: dict[Expr, Expr] = {}
        for node in body.atoms(sympy.Function):
            if isinstance(node, stop_gradient):
                mapping[node] = node.args[0]
            elif isinstance(node, _INTEGER_FUNCTIONS):
                continue
            elif isinstance(node, log_sum_exp):
                mapping[node] = computed_log_sum(*node.args)
            elif operation_of(type(node)).written_out:
                definition = operation_of(type(node)).definition
                assert definition is not None, "a user's function has a definition"
                mapping[node] = definition(*node.args)
        if not mapping:
            return body
        body = body.xreplace(mapping)


def _with_quotients(equation: Equation) -> Equation:
    """Bring derived quotients over one denominator, and write σ(-x) for a derived 1 - σ(x)."""
    if not is_derived(equation) or not equation.body.has(sympy.Add):
        return equation
    written: set[Expr] = set()
    source = equation.origin.source
    while source is not None:
        if not is_derived(source):
            written |= source.body.atoms(sympy.Add)
        source = source.origin.source
    body = over_one_denominator(equation.body, written)
    # Before the rule of σ' is written out, which is σ (1 - σ) where it is to be fast.
    body = body.xreplace({p: p.rule() for p in body.atoms(Prime) if p.application.func is softplus})
    body = _with_complements(body, written)
    return equation if body is equation.body else equation.replace(body=body)


def _with_complements(node: Expr, written: Collection[Expr]) -> Expr:
    """Replace ``t - t·σ(x)`` by ``t·σ(-x)``, which keeps its digits where σ(x) is nearly 1."""
    if isinstance(node, Element) or not node.has(sigmoid) or node in written:
        return node
    arguments = [_with_complements(argument, written) for argument in node.args]
    same = all(new is old for new, old in zip(arguments, node.args, strict=True))
    node = node if same else node.func(*arguments)
    for term in terms(node) if isinstance(node, sympy.Add) else ():
        parts = factors(term)
        for part in parts:
            whole = product_of(-1, *(other for other in parts if other is not part))
            if isinstance(part, sigmoid) and whole in terms(node):
                rest = (other for other in terms(node) if other not in (term, whole))
                return sum_of(product_of(whole, sigmoid(-part.args[0])), *rest)
    return node


def _rules_written_out(body: Expr) -> Expr:
    """Differentiate the formulas of users' functions that have no rule of their own."""
    while True:
        primes = [p for p in body.atoms(Prime) if _is_automatic(p.application)]
        if not primes:
            return body
        body = body.xreplace({prime: _automatic_rule(prime) for prime in primes})


def _is_automatic(application: Expr) -> bool:
    record = operation_of(type(application))
    return record.value is None and not has_own_derivative(type(application))


def _automatic_rule(prime: Prime) -> Expr:
    application = prime.application
    definition = operation_of(type(application)).definition
    assert definition is not None, "a user's function has a definition"
    # Arguments of their own: one may stand in two places, or be an expression.
    names = [Tensor(f"x{place}")[()] for place in range(len(application.args))]
    rule = partial(translated(definition(*names)), names[prime.argument - 1])
    return over_one_denominator(rule).xreplace(dict(zip(names, application.args, strict=True)))


def _written_out(equation: Equation, derivatives: DerivativeForm) -> Equation:
    body = equation.body
    if body.has(Prime) or body.has(sympy.Function):
        body = expand_functions(body, derivatives)
    if derivatives == "fast" and is_derived(equation) and body.has(sigmoid):
        # σ(-x) beside σ(x) comes from the derivative of softplus(-x); 1 - σ(x) lets them cancel.
        pairs = {
            node: 1 - sigmoid(-node.args[0])
            for node in body.atoms(sigmoid)
            if node.args[0].could_extract_minus_sign() and body.has(sigmoid(-node.args[0]))
        }
        # Where nothing does, 1 - σ(x) has fewer digits.
        together = body.xreplace(pairs)
        if pairs and _count_multiplied_out(together) < _count_multiplied_out(body):
            body = together
    return equation if body == equation.body else equation.replace(body=body)


def _count_multiplied_out(body: Expr) -> int:
    """Return how many terms a body has when its products are multiplied out."""
    return len(sympy.Add.make_args(sympy.expand_mul(ordinary(body, Unknowns()))))


def shorter(body: Expr) -> Expr:
    """Return a derived body, or its expanded form where terms cancel in it.

    ``y (1 - p) - (1 - y) p`` is ``y - p``. A sum is never multiplied out for its own sake: the
    difference of two large products has fewer digits than the product of a small difference.
    """
    if not body.has(sympy.Add):
        return body
    if isinstance(body, sympy.Mul):
        inner = {part: shorter(part) for part in factors(body) if isinstance(part, sympy.Add)}
        if any(part != found for part, found in inner.items()):
            return product_of(*(inner.get(part, part) for part in factors(body)))
    unknowns = Unknowns()
    given = ordinary(body, unknowns)
    best = _shortest(given)
    return body if best == given else restored(best, unknowns)


@functools.lru_cache(maxsize=1024)
def _shortest(given: Expr) -> Expr:
    multiplied = sympy.expand_mul(given)
    before, after = (len(sympy.Add.make_args(form)) for form in (given, multiplied))
    forms = [multiplied, sympy.factor_terms(multiplied)] if after <= before else []
    return min([given, *forms], key=sympy.count_ops)


def _sum_of_distribution(equation: Equation) -> Equation:
    """Use that the rows of a ``distribution`` sum to one: ``Σ_k c·y[n, k]`` is ``c``."""
    if equation.operation != "sum" or not equation.reduce:
        return equation
    for element in elements_of(equation.body):
        if element.tensor.kind != "distribution" or not element.is_plain:
            continue
        last = element.args[-1]
        parts = factors(equation.body)
        factor = product_of(*(part for part in parts if part != element))
        if element in parts and last in equation.reduce and not factor.has(element, last):
            rest = tuple(index for index in equation.reduce if index is not last)
            return equation.replace(body=factor, reduce=rest)
    return equation


def _merge_contributions(equations: list[Equation]) -> list[Equation]:
    """Merge the equations of one tensor that need no reduction into one."""
    groups: dict[Tensor, list[list[int]]] = {}
    interrupted: set[Tensor] = set()
    for position, equation in enumerate(equations):
        tensor = equation.tensor
        if not equation.is_elementwise:
            interrupted.add(tensor)
            continue
        found = groups.setdefault(tensor, [])
        # Terms that were written are added in the written order.
        if found and (is_derived(equation) or tensor not in interrupted):
            found[-1].append(position)
        else:
            found.append([position])
        interrupted.discard(tensor)
    # Each stands where its last contribution stood.
    merged = {
        group[-1]: _merged([equations[position] for position in group])
        for found in groups.values()
        for group in found
    }
    result: list[Equation] = []
    started: set[Tensor] = set()
    for position, equation in enumerate(equations):
        if equation.is_elementwise and position not in merged:
            continue
        equation = merged.get(position, equation)
        again = equation.tensor in started
        if equation.accumulate != again:
            equation = equation.replace(accumulate=again)
        result.append(equation)
        started.add(equation.tensor)
    return result


def _merged(group: list[Equation]) -> Equation:
    """Return the equation of the sum of what elementwise equations of a tensor give."""
    first, last = group[0], group[-1]
    if first is last:
        return first
    total: Expr = sympy.S.Zero
    derived: list[Expr] = []
    for equation in group:
        body = equation.body.xreplace(dict(zip(equation.lhs.args, last.lhs.args, strict=True)))
        if equation is first:
            total = body
        elif is_derived(equation):
            derived.extend(terms(body))
        else:
            total = _together(total, derived) + body
            derived = []
    return last.replace(
        body=_together(total, derived), accumulate=first.accumulate, origin=Origin("merge", last)
    )


def _together(total: Expr, derived: list[Expr]) -> Expr:
    return sum_of(*terms(total), *derived) if derived else total


def _inline_trivial(equations: list[Equation], roots: set[Tensor]) -> list[Equation]:
    """Inline tensors that are a number, or another tensor's elements under their own name."""
    count: dict[Tensor, int] = {}
    for equation in equations:
        count[equation.tensor] = count.get(equation.tensor, 0) + 1
    trivial: dict[Tensor, Equation] = {}
    result = []
    for equation in equations:
        equation = _with_inlined(equation, trivial)
        body = equation.body
        if (
            count[equation.tensor] == 1
            and equation.tensor not in roots
            and equation.is_elementwise
            and not (body.has(equation.tensor))
            and (
                _is_number(body)
                or (
                    isinstance(body, Element)
                    and body.is_plain
                    and set(body.args) == set(equation.lhs.args)
                )
            )
        ):
            trivial[equation.tensor] = equation
        else:
            result.append(equation)
    # A recurrence may read a tensor above its definition.
    return [_with_inlined(equation, trivial) for equation in result]


def _is_number(body: Expr) -> bool:
    return not body.has(Element) and not body.atoms(Index)


def _with_inlined(equation: Equation, trivial: dict[Tensor, Equation]) -> Equation:
    while True:
        mapping = {}
        for element in equation.body.atoms(Element):
            definition = trivial.get(element.tensor)
            if definition is not None:
                names = dict(zip(definition.lhs.args, element.args, strict=True))
                mapping[element] = definition.body.xreplace(names)
        if not mapping:
            return equation
        equation = equation.replace(body=equation.body.xreplace(mapping))
