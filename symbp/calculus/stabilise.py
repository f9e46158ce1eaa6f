"""stabilise: rewrite what users write by hand into what does not overflow.

``log(exp(z) / Σ exp(z))`` is right on paper and ``-inf`` or ``nan`` in floating point. Each rule of
the table below replaces such a formula by its stable equal before differentiation, so that the
derivative is stable too. A rule sees through intermediate tensors: with ``a = sigmoid(z)``,
``log(1 - a)`` is ``log(1 - sigmoid(z))``.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import sympy
from sympy.core.expr import Expr

from symbp.notation.dependence import definitions
from symbp.notation.equation import Equation, Origin, elements_of, indices_of
from symbp.notation.functions import expm1, log1p, sigmoid, softplus, where
from symbp.notation.program import Program
from symbp.notation.tensor import Element, Tensor

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
    definitions_ = _Definitions(program)
    for equation in program.equations:
        definitions_.add(equation)
    return program.replace(equations=tuple(definitions_.equations))


class _Definitions:
    """The equations rewritten so far, and what their tensors are by definition."""

    def __init__(self, program: Program) -> None:
        self.equations: list[Equation] = []
        self.names = {tensor.name for tensor in program.tensors}
        positions = definitions(program.equations)
        self.single = {tensor for tensor, where_ in positions.items() if len(where_) == 1}
        self.defined: dict[Tensor, Equation] = {}
        self.logarithms: dict[Tensor, tuple[Tensor, Expr] | None] = {}

    def add(self, equation: Equation) -> None:
        """Rewrite one equation and remember what it defines."""
        body = self.rewrite(equation.body, {})
        if body != equation.body:
            equation = equation.replace(body=body, origin=Origin("stabilise", equation))
        self.equations.append(equation)
        if equation.tensor in self.single and equation.lhs.is_plain:
            self.defined[equation.tensor] = equation

    def rewrite(self, node: Expr, done: dict[Expr, Expr]) -> Expr:
        """Apply the rules to an expression, innermost first."""
        if isinstance(node, Element) or not node.args:
            return node
        if node not in done:
            arguments = [self.rewrite(argument, done) for argument in node.args]
            result = node if arguments == list(node.args) else node.func(*arguments)
            done[node] = self.apply_rules(result)
        return done[node]

    def apply_rules(self, node: Expr) -> Expr:
        """Apply rules to the outermost operation until none matches."""
        for rule in RULES:
            if isinstance(node, rule.operation):
                result = rule.apply(node, self)
                if result is not None:
                    return self.apply_rules(result)
        return node

    def views(self, node: Expr) -> Iterator[Expr]:
        """Yield an expression, then what it is by definition, as far as that can be followed."""
        yield node
        while isinstance(node, Element) and node.tensor in self.defined:
            equation = self.defined[node.tensor]
            if equation.reduce:
                return
            node = equation.body.xreplace(dict(zip(equation.lhs.args, node.args, strict=True)))
            if any(_is_mixed(element) for element in elements_of(node)):
                return
            yield node

    def view(self, node: Expr, operation: Any) -> Expr | None:
        """Return the argument if the expression is an application of a function."""
        for seen in self.views(node):
            if isinstance(seen, operation):
                return seen.args[0]
        return None

    def above_one(self, node: Expr) -> Expr | None:
        """Return x if the expression is 1 + x."""
        for seen in self.views(node):
            if isinstance(seen, sympy.Add):
                constant, rest = seen.as_coeff_Add()
                if _is(constant, 1):
                    return rest
        return None

    def logarithm_of_sum(self, node: Expr) -> Expr | None:
        """Return the logarithm of an expression that is a sum of exponentials."""
        for seen in self.views(node):
            if isinstance(seen, Element) and seen.tensor in self.defined:
                made = self.logarithm_of_tensor(seen.tensor)
                if made is not None:
                    tensor, factor = made
                    return Element(tensor, *seen.args) + sympy.log(factor)
        return None

    def logarithm_of_tensor(self, tensor: Tensor) -> tuple[Tensor, Expr] | None:
        """Return the log-sum-exp of a tensor's equation, a new tensor, and a constant factor."""
        if tensor not in self.logarithms:
            equation = self.defined[tensor]
            found = self.weighted_exponential(equation.body)
            if not equation.reduce or equation.operation != "sum" or found is None:
                self.logarithms[tensor] = None
            else:
                factor, exponent = found
                name = f"{tensor.name}_log"
                while name in self.names:
                    name += "_"
                self.names.add(name)
                made = tensor.like(name)
                self.logarithms[tensor] = made, factor
                self.equations.append(
                    Equation(
                        made[equation.lhs.args],
                        exponent,
                        equation.reduce,
                        "logsumexp",
                        origin=Origin("stabilise", equation),
                    )
                )
        return self.logarithms[tensor]

    def weighted_exponential(self, body: Expr) -> tuple[Expr, Expr] | None:
        """Return c and u if the expression is c·exp(u), with c a positive constant."""
        for seen in self.views(body):
            if isinstance(seen, where) and seen.args[2] == 0 and not seen.args[0].atoms(Element):
                found = self.weighted_exponential(seen.args[1])
                if found is not None:
                    return found[0], where(seen.args[0], found[1], -sympy.oo)
            factors = sympy.Mul.make_args(seen)
            others = [f for f in factors if indices_of(f) or f.atoms(Element)]
            factor = sympy.Mul(*(f for f in factors if f not in others))
            if len(others) == 1 and factor.is_positive:
                exponent = self.view(others[0], sympy.exp)
                if exponent is not None:
                    return factor, exponent
        return None

    def is_logarithm(self, tensor: Tensor) -> bool:
        """Whether a tensor is a log-sum-exp."""
        return tensor in self.defined and self.defined[tensor].operation == "logsumexp" or any(
            made is not None and made[0] is tensor for made in self.logarithms.values()
        )


def _is_mixed(element: Element) -> bool:
    """Whether a subscript holds data and something else, which no element may have."""
    return any(s.atoms(Element) and not isinstance(s, Element) for s in element.args)


def _is(number: Expr, value: int) -> bool:
    return bool(number.is_Number) and float(number) == value


def _log_of_sigmoid(node: Expr, seen: _Definitions) -> Expr | None:
    x = seen.view(node.args[0], sigmoid)
    return None if x is None else -softplus(-x)


def _log_of_one_minus_sigmoid(node: Expr, seen: _Definitions) -> Expr | None:
    rest = seen.above_one(node.args[0])
    x = None if rest is None else seen.view(-rest, sigmoid)
    return None if x is None else -softplus(x)


def _log_of_one_plus_exp(node: Expr, seen: _Definitions) -> Expr | None:
    rest = seen.above_one(node.args[0])
    x = None if rest is None else seen.view(rest, sympy.exp)
    return None if x is None else softplus(x)


def _log_of_one_minus_exp(node: Expr, seen: _Definitions) -> Expr | None:
    rest = seen.above_one(node.args[0])
    x = None if rest is None else seen.view(-rest, sympy.exp)
    return None if x is None else sympy.log(-expm1(x))


def _log_of_exp(node: Expr, seen: _Definitions) -> Expr | None:
    return seen.view(node.args[0], sympy.exp)


def _log_of_sum(node: Expr, seen: _Definitions) -> Expr | None:
    return seen.logarithm_of_sum(node.args[0])


def _log_of_one_plus(node: Expr, seen: _Definitions) -> Expr | None:
    rest = seen.above_one(node.args[0])
    return None if rest is None else log1p(rest)


def _one_over_one_plus_exp(node: Expr, seen: _Definitions) -> Expr | None:
    base, power = node.args
    rest = seen.above_one(base) if power.is_Integer and power < 0 else None
    x = None if rest is None else seen.view(rest, sympy.exp)
    return None if x is None else sigmoid(-x) ** -power


def _one_over_sum(node: Expr, seen: _Definitions) -> Expr | None:
    base, power = node.args
    logarithm = seen.logarithm_of_sum(base) if power.is_Integer and power < 0 else None
    # SymPy joins it with the exponential in the numerator: exp(v) · exp(-l) is exp(v - l).
    return None if logarithm is None else sympy.exp(power * logarithm)


def _exp_times_sigmoid(node: Expr, seen: _Definitions) -> Expr | None:
    """Rewrite exp(x) σ(-x) = σ(x) and (exp(x) - 1) σ(-x) = tanh(x/2)."""
    for numerator in node.args:
        for operation, result in ((sympy.exp, sigmoid), (expm1, lambda x: sympy.tanh(x / 2))):
            x = seen.view(numerator, operation)
            for factor in () if x is None else node.args:
                base, power = factor.as_base_exp()
                if isinstance(base, sigmoid) and power.is_Integer and power > 0:
                    if sympy.expand(base.args[0] + x) == 0:
                        others = (f for f in node.args if f is not numerator and f is not factor)
                        return sympy.Mul(*others, result(x), base ** (power - 1))
    return None


def _exp_times_exp(node: Expr, seen: _Definitions) -> Expr | None:
    """Rewrite e · exp(-l) = exp(u - l), where e is exp(u) by definition and l a log-sum-exp."""
    joined = next((f for f in node.args if isinstance(f, sympy.exp)), None)
    if joined is None or not any(seen.is_logarithm(e.tensor) for e in elements_of(joined)):
        return None
    for factor in node.args:
        x = seen.view(factor, sympy.exp) if isinstance(factor, Element) else None
        if x is not None:
            others = (f for f in node.args if f is not factor and f is not joined)
            return sympy.Mul(*others, sympy.exp(x + joined.args[0]))
    return None


def _exp_minus_one(node: Expr, seen: _Definitions) -> Expr | None:
    constant, rest = node.as_coeff_Add()
    for term in sympy.Add.make_args(rest) if _is(sympy.Abs(constant), 1) else ():
        sign, exponential = (-term, 1) if _is(constant, 1) else (term, -1)
        if isinstance(sign, sympy.exp):
            return rest - term - exponential * expm1(sign.args[0])
    return None


@dataclass(frozen=True)
class Rule:
    """A formula and its stable equal; ``apply`` returns None where it does not match."""

    name: str
    operation: Any
    apply: Callable[[Expr, _Definitions], Expr | None]


# Tried from first to last: log(1 + exp(x)) is softplus(x) before it is log1p(exp(x)).
RULES = (
    Rule("log σ(x) = -softplus(-x)", sympy.log, _log_of_sigmoid),
    Rule("log(1 - σ(x)) = -softplus(x)", sympy.log, _log_of_one_minus_sigmoid),
    Rule("log(1 + exp x) = softplus(x)", sympy.log, _log_of_one_plus_exp),
    Rule("log(1 - exp x) = log(-expm1(x))", sympy.log, _log_of_one_minus_exp),
    Rule("log exp x = x", sympy.log, _log_of_exp),
    Rule("log Σ exp u = logsumexp(u)", sympy.log, _log_of_sum),
    Rule("log(1 + x) = log1p(x)", sympy.log, _log_of_one_plus),
    Rule("1 / (1 + exp x) = σ(-x)", sympy.Pow, _one_over_one_plus_exp),
    Rule("1 / Σ exp u = exp(-logsumexp(u))", sympy.Pow, _one_over_sum),
    Rule("exp(x) σ(-x) = σ(x)", sympy.Mul, _exp_times_sigmoid),
    Rule("e exp(-l) = exp(u - l)", sympy.Mul, _exp_times_exp),
    Rule("exp(x) - 1 = expm1(x)", sympy.Add, _exp_minus_one),
)
