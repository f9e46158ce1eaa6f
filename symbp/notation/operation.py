"""Operations: what symbp knows of one elementwise function, and the functions of a user's own.

A record holds the function's SymPy class, value, derivative rule (in terms of its own output
where that is cheaper), LaTeX and text, and a note on its domain; the code of each is the matter of
a target. Users add their own with :func:`function`, or by subclassing :class:`sympy.Function`
with ``fdiff`` and ``_eval_expand_func``.
"""

import copyreg
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any, Literal

import sympy
from sympy.core.expr import Expr

from symbp.notation.announced import application
from symbp.notation.arguments import expression_of
from symbp.notation.arithmetic import Written
from symbp.notation.conditions import in_our_words
from symbp.notation.errors import NotationError
from symbp.notation.identity import Serials, home, remember, restored
from symbp.notation.standard import translated_kinds

__all__ = [
    "OPERATIONS", "Form", "Operation", "built_in", "function", "has_own_derivative",
    "in_notation", "operation_of", "register",
]  # fmt: skip

Rule = Callable[..., tuple[Expr, ...]]

#: The form of a derivative: as textbooks print it; as it is computed where time counts; and as it
#: is computed where every derivative has its digits over the whole range.
Form = Literal["textbook", "fast", "accurate"]


@dataclass(frozen=True)
class Operation:
    """All that is known of one elementwise function.

    Attributes
    ----------
    name : str
        The name in the notation, for example ``"sigmoid"``.
    function : type
        The SymPy function class.
    value : callable or None
        The float64 NumPy reference, stable over the whole range; None for a user's own function,
        which is evaluated by its formula.
    derivative : callable
        Maps the arguments to one partial derivative for each argument, as expressions.
    latex, text : str
        How the function's name prints, or a template with ``{0}``.
    named_derivative : bool
        Whether a derivation prints the derivative as ``f'(x)`` before the rule is applied.
    definition : callable, optional
        The textbook formula, where the stable code differs from it or none is built in.
    domain : str
        Where it is defined and what happens at kinks and limits.
    computed : callable, optional
        The derivative as it is computed, where the textbook's form loses digits.
    accurate : callable, optional
        The same where it takes more time than the textbook's form; see :data:`Form`.
    written_out : bool
        Whether passes put its formula in its place before anything is computed: a user's own, and
        those of any number of arguments. All others have code in each target.
    """

    name: str
    function: type[sympy.Function]
    value: Callable[..., Any] | None
    derivative: Rule
    latex: str
    text: str
    named_derivative: bool = True
    definition: Callable[..., Expr] | None = None
    domain: str = "all real numbers"
    computed: Rule | None = None
    accurate: Rule | None = None
    written_out: bool = False

    def rule(self, form: Form) -> Rule:
        """Return the derivative in a form.

        Parameters
        ----------
        form : {"textbook", "fast", "accurate"}
            A function whose derivative has only one form has it in all three.
        """
        forms = {"textbook": (), "fast": (self.computed,)}
        chosen = forms.get(form, (self.accurate, self.computed))
        return next((rule for rule in chosen if rule is not None), self.derivative)


OPERATIONS: dict[str, Operation] = {}
_built_in: dict[str, Operation] = {}
_by_class: dict[type, Operation] = {}
_serials = Serials()


def register(operation: Operation, listed: bool = True) -> None:
    """Add a built-in function to those that are known; one that is not listed has no name."""
    if listed:
        OPERATIONS[operation.name] = operation
    _built_in[operation.name] = operation
    _by_class[operation.function] = operation
    for kind in operation.function.__mro__:
        if kind in translated_kinds():  # SymPy's own exp is the notation's
            _by_class[kind] = operation


def built_in() -> Collection[Operation]:
    """Return every function of symbp's own, those without a name for users among them."""
    return _built_in.values()


def operation_of(function_class: type) -> Operation:
    """Return the record of a function class, built-in or the user's own.

    A user's own :class:`sympy.Function` needs ``_eval_expand_func`` (its value in terms of known
    functions); ``fdiff`` is used when it is there, else its value is differentiated.
    """
    record = _by_class.get(function_class)
    if record is None:  # exp of the notation is a subclass of SymPy's
        record = next(
            (_by_class[base] for base in function_class.__mro__ if base in _by_class), None
        )
    if record is None:
        record = _by_class[function_class] = _record_of_users_function(function_class)
    return record


def _record_of_users_function(function_class: type) -> Operation:
    name = function_class.__name__
    if str(function_class.__module__).startswith("sympy.") or not hasattr(
        function_class, "_eval_expand_func"
    ):
        known = ", ".join(sorted(OPERATIONS))
        raise NotationError(
            f"function {name}: give it a value in terms of known functions (bp.function(...), or "
            f"a method _eval_expand_func); known functions: {known}"
        )

    def definition(*args: Expr) -> Expr:
        return _formula(f"function {name}", lambda: function_class(*args)._eval_expand_func())

    def derivative(*args: Expr) -> tuple[Expr, ...]:
        application = function_class(*args)
        if has_own_derivative(function_class):
            label = f"derivative of {name}"
            return tuple(
                _formula(label, partial(application.fdiff, i + 1)) for i in range(len(args))
            )
        symbols = [sympy.Dummy(f"x{i}", real=True) for i in range(len(args))]
        value = _written_out(definition(*symbols))
        values = dict(zip(symbols, args, strict=True))
        return tuple(_slope(value, symbol).xreplace(values) for symbol in symbols)

    printed = r"\operatorname{" + name.replace("_", r"\_") + "}"
    # A class that came from another process brings its LaTeX along.
    printed = getattr(function_class, "printed_name", None) or printed
    return Operation(
        name,
        function_class,
        None,
        derivative,
        printed,
        name,
        definition=definition,
        written_out=True,
    )


class _general_power(sympy.Function):  # noqa: N801
    """A power with a varying exponent, while SymPy differentiates a formula."""

    def fdiff(self, argindex: int = 1) -> Expr:
        """Return the derivative as the notation states it where the base is 0."""
        return application(("power_slope", "power_log")[argindex - 1], *self.args)


def _slope(value: Expr, symbol: sympy.Dummy) -> Expr:
    """Return the derivative of a formula in symbols."""

    def varies(node: Expr) -> bool:
        return (
            isinstance(node, sympy.Pow)
            and not node.args[1].is_number
            and not node.args[0].is_positive
        )

    named = value.replace(varies, lambda node: _general_power(*node.args))
    result = named.diff(symbol)
    return result.replace(_general_power, lambda base, exponent: base**exponent)


def in_notation(expression: Expr, label: str) -> Expr:
    """Replace SymPy's own Max, Min and Piecewise by the notation's."""

    def fold(name: str, arguments: Iterable[Expr]) -> Expr:
        # Several arguments become nested functions of two.
        return reduce(OPERATIONS[name].function, sorted(arguments, key=sympy.default_sort_key))

    def nested(*pieces: Any) -> Expr:
        result, last = pieces[-1]
        if last is not sympy.true:
            raise NotationError(
                f"{label}: a Piecewise must end with a condition that is always True"
            )
        for value, condition in reversed(pieces[:-1]):
            result = OPERATIONS["where"].function(condition, value, result)
        return result

    expression = expression.replace(sympy.Max, lambda *a: fold("maximum", a))
    expression = expression.replace(sympy.Min, lambda *a: fold("minimum", a))
    return expression.replace(sympy.Piecewise, nested)


def _formula(label: str, evaluate: Callable[[], Any]) -> Expr:
    try:
        result = evaluate()
    except NotationError:
        raise
    except Exception as error:  # a user's code: whatever it raises is to be said by name
        raise NotationError(
            f"{label}: it raised {type(error).__name__}: {in_our_words(error)}"
        ) from error
    return in_notation(expression_of(result, label), label)


def has_own_derivative(function_class: Any) -> bool:
    """Whether a function of a user's own has a derivative of its author's."""
    return function_class.fdiff is not sympy.Function.fdiff


def _written_out(expression: Expr) -> Expr:
    """Replace users' functions that SymPy cannot differentiate by their formulas."""

    def is_open(node: Any) -> bool:
        return (
            hasattr(node, "_eval_expand_func")
            and isinstance(node, sympy.Function)
            and not str(type(node).__module__).startswith("sympy.")
            and not has_own_derivative(type(node))
        )

    return expression.replace(is_open, lambda node: _written_out(node._eval_expand_func()))


def function(
    name: str,
    value: Callable[..., Any],
    derivative: Callable[..., Any] | None = None,
    *,
    arguments: int = 1,
    latex: str | None = None,
) -> type[sympy.Function]:
    """Make an elementwise function of your own from its formula.

    Parameters
    ----------
    name : str
        How it prints.
    value : callable
        Maps SymPy expressions to the formula, in terms of known functions.
    derivative : callable, optional
        Maps the same arguments to the derivative (a tuple of them for several arguments). When
        it is left out, the formula is differentiated. ``bp.check`` finds a wrong one.
    arguments : int, default 1
        How many arguments it takes.
    latex : str, optional
        How its name prints in LaTeX.

    Returns
    -------
    type
        A subclass of :class:`sympy.Function`.

    Examples
    --------
    >>> import sympy
    >>> mish = function("mish", lambda x: x * sympy.tanh(softplus(x)))
    >>> mish(sympy.Symbol("z"))
    mish(z)
    """
    if not isinstance(name, str) or not name.isidentifier():
        raise NotationError(f"function name {name!r}: expected an identifier such as 'mish'")
    for what, rule in (("value", value), ("derivative", derivative)):
        if not callable(rule) and not (rule is None and what == "derivative"):
            raise NotationError(f"function {name}: {what}: expected a function, got {rule!r}")
    if isinstance(arguments, bool) or not isinstance(arguments, int) or arguments < 1:
        raise NotationError(f"function {name}: arguments: expected 1 or more, got {arguments!r}")

    def expand(self: Any, **hints: Any) -> Expr:
        return value(*self.args)

    members: dict[str, Any] = {
        "nargs": arguments,
        "is_real": True,
        "_eval_expand_func": expand,
        "__doc__": f"{name}.",
        "printed_name": latex,
        "made_of": (name, value, derivative, arguments, latex),
        "identity": ("function", next(_serials), home()),
    }
    if derivative is not None:
        partials_of = derivative

        def fdiff(self: Any, argindex: int = 1) -> Expr:
            result = partials_of(*self.args)
            partials = result if isinstance(result, tuple) else (result,)
            if len(partials) != arguments:
                raise NotationError(
                    f"derivative of {name}: expected {arguments} partial derivatives, one for "
                    f"each argument, got {len(partials)}"
                )
            return partials[argindex - 1]

        members["fdiff"] = fdiff
    made: type[sympy.Function] = _Made(name, (Written, sympy.Function), members)
    _by_class[made] = _record_of_users_function(made)
    return made


class _Made(type(sympy.Function)):  # type: ignore[misc]
    """The class of functions that `function` makes: they are pickled by what they are made of.

    Joblib's cloudpickle takes classes apart instead, and sets what is derived from other
    attributes too.
    """

    nargs = property(sympy.FunctionClass.nargs.fget, lambda cls, value: None)


def _reduced(made: Any) -> Any:
    remember(made.identity, made)
    return _restored_function, (made.identity, made.made_of)


copyreg.pickle(_Made, _reduced)


def _restored_function(identity: tuple[Any, ...], made_of: tuple[Any, ...]) -> Any:
    name, value, derivative, arguments, latex = made_of

    def make() -> Any:
        made: Any = function(name, value, derivative, arguments=arguments, latex=latex)
        made.identity = identity
        return made

    return restored(identity, make)
