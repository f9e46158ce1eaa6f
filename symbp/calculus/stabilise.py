"""stabilise: rewrite what users write by hand into what does not overflow.

``log(exp(z) / Σ exp(z))`` is right on paper and ``-inf`` or ``nan`` in floating point. Each rule of
the table below replaces such a formula by its stable equal before differentiation, so that the
derivative is stable too. A rule sees through intermediate tensors: with ``a = sigmoid(z)``,
``log(1 - a)`` is ``log(1 - sigmoid(z))``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.calculus.by_definition import Definitions
from symbp.calculus.zero_weights import closed, opened
from symbp.notation.equation import Origin
from symbp.notation.functions import expm1, log1p, sigmoid, softplus
from symbp.notation.program import Program
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
    >>> equations = [bp.Equation(a, bp.sigmoid(z[()])), bp.Equation(C, -sympy.log(1 - a))]
    >>> print(stabilise(bp.Program(equations, cost=C)))
    a = sigmoid(z)
    C = softplus(z)
    """
    program = opened(program)
    seen = Definitions(program)
    for equation in program.equations:
        body = _rewrite(equation.body, seen, {})
        if body != equation.body:
            equation = equation.replace(body=body, origin=Origin("stabilise", equation))
        seen.add(equation)
    return closed(program.replace(equations=tuple(seen.equations)))


def _rewrite(node: Expr, seen: Definitions, done: dict[Expr, Expr]) -> Expr:
    """Apply the rules to an expression, innermost first."""
    if isinstance(node, Element) or not node.args:
        return node
    if node not in done:
        arguments = [_rewrite(argument, seen, done) for argument in node.args]
        result = node if arguments == list(node.args) else node.func(*arguments)
        done[node] = _apply_rules(result, seen)
    return done[node]


def _apply_rules(node: Expr, seen: Definitions) -> Expr:
    """Apply rules to the outermost operation until none matches."""
    for rule in RULES:
        if isinstance(node, rule.operation):
            result = rule.apply(node, seen)
            if result is not None:
                return _apply_rules(result, seen)
    return node


Apply = Callable[[Expr, Definitions], Expr | None]


def _log_minus_expm1(x: Expr) -> Expr:
    return sympy.log(-expm1(x))


def _log_of(function: Any, result: Callable[[Expr], Expr]) -> Apply:
    """Return the rule of log f(x)."""

    def apply(node: Expr, seen: Definitions) -> Expr | None:
        x = seen.view(node.args[0], function)
        return None if x is None else result(x)

    return apply


def _log_of_one(sign: int, function: Any, result: Callable[[Expr], Expr]) -> Apply:
    """Return the rule of log(1 ± f(x))."""

    def apply(node: Expr, seen: Definitions) -> Expr | None:
        rest = seen.above_one(node.args[0])
        x = None if rest is None else seen.view(sign * rest, function)
        return None if x is None else result(x)

    return apply


def _log_of_one_plus(node: Expr, seen: Definitions) -> Expr | None:
    rest = seen.above_one(node.args[0])
    return None if rest is None else log1p(rest)


def _log_of_sum(node: Expr, seen: Definitions) -> Expr | None:
    return seen.logarithm_of_sum(node.args[0])


def _one_over_one_plus_exp(node: Expr, seen: Definitions) -> Expr | None:
    base, power = node.args
    rest = seen.above_one(base) if power.is_Integer and power < 0 else None
    x = None if rest is None else seen.view(rest, sympy.exp)
    return None if x is None else sigmoid(-x) ** -power


def _one_over_sum(node: Expr, seen: Definitions) -> Expr | None:
    base, power = node.args
    logarithm = seen.logarithm_of_sum(base) if power.is_Integer and power < 0 else None
    return None if logarithm is None else sympy.exp(power * logarithm)


def _tanh_of_half(x: Expr) -> Expr:
    return sympy.tanh(x / 2)


def _exp_times_sigmoid(node: Expr, seen: Definitions) -> Expr | None:
    for numerator in node.args:
        for operation, result in (sympy.exp, sigmoid), (expm1, _tanh_of_half):
            x = seen.view(numerator, operation)
            for factor in () if x is None else node.args:
                base, power = factor.as_base_exp()
                positive = power.is_Integer and power > 0 and isinstance(base, sigmoid)
                if positive and sympy.expand(base.args[0] + x) == 0:
                    others = (f for f in node.args if f is not numerator and f is not factor)
                    return sympy.Mul(*others, result(x), base ** (power - 1))
    return None


def _exp_times_exp(node: Expr, seen: Definitions) -> Expr | None:
    for scale in node.args:
        if not isinstance(scale, sympy.exp) or not seen.has_logarithm(scale):
            continue
        for factor in node.args:
            x = None if factor is scale else seen.view(factor, sympy.exp)
            if x is not None:
                others = (f for f in node.args if f is not factor and f is not scale)
                return sympy.Mul(*others, sympy.exp(x + scale.args[0]))
    return None


def _exp_minus_one(node: Expr, seen: Definitions) -> Expr | None:
    constant, rest = node.as_coeff_Add()
    for term in sympy.Add.make_args(rest) if abs(float(constant)) == 1 else ():
        if isinstance(-constant * term, sympy.exp):
            return rest - term - constant * expm1((-constant * term).args[0])
    return None


@dataclass(frozen=True)
class Rule:
    """A formula and its stable equal; ``apply`` returns None where it does not match."""

    name: str
    operation: Any
    apply: Apply


# Tried from first to last: log(1 + exp(x)) is softplus(x) before it is log1p(exp(x)).
RULES = (
    Rule("log σ(x) = -softplus(-x)", sympy.log, _log_of(sigmoid, lambda x: -softplus(-x))),
    Rule(
        "log(1 - σ(x)) = -softplus(x)", sympy.log, _log_of_one(-1, sigmoid, lambda x: -softplus(x))
    ),
    Rule("log(1 + exp x) = softplus(x)", sympy.log, _log_of_one(1, sympy.exp, softplus)),
    Rule(
        "log(1 - exp x) = log(-expm1(x))", sympy.log, _log_of_one(-1, sympy.exp, _log_minus_expm1)
    ),
    Rule("log exp x = x", sympy.log, _log_of(sympy.exp, lambda x: x)),
    Rule("log Σ exp u = logsumexp(u)", sympy.log, _log_of_sum),
    Rule("log(1 + x) = log1p(x)", sympy.log, _log_of_one_plus),
    Rule("1 / (1 + exp x) = σ(-x)", sympy.Pow, _one_over_one_plus_exp),
    Rule("1 / Σ exp u = exp(-logsumexp(u))", sympy.Pow, _one_over_sum),
    Rule("exp(x) σ(-x) = σ(x), expm1(x) σ(-x) = tanh(x/2)", sympy.Mul, _exp_times_sigmoid),
    Rule("exp(u) exp(-logsumexp) = exp(u - logsumexp)", sympy.Mul, _exp_times_exp),
    Rule("exp(x) - 1 = expm1(x)", sympy.Add, _exp_minus_one),
)
