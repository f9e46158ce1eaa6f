"""parser: text becomes a formula, and nothing in it is run; what cannot be read is named."""

import math
from typing import Any

import pytest
import sympy
from hypothesis import given, settings
from hypothesis import strategies as st

import symbp as bp
from symbp.notation.arithmetic import Plus
from symbp.notation.functions import OPERATIONS
from symbp.notation.parser import LONGEST, Name, names_in, parse_formula
from symbp.notation.standard import translated

w, x, y = (Name(name, real=True) for name in "wxy")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(x + y) * w", (x + y) * w),
        ("1/(1 + exp(-(w*x + y)))", 1 / (1 + bp.exp(-(w * x + y)))),
        ("x - y - w", x - y - w),
        ("x - (y - w)", x - (y - w)),
        ("2*(x + y) - y", 2 * (x + y) - y),
        ("x / y / w", x / y / w),
        ("x / (y / w)", x / (y / w)),
        ("-x**2", -(x**2)),
        ("2**x**y", 2 ** (x**y)),
        ("+x - -y", x + y),
        ("relu(x) + leaky_relu(y)", bp.relu(x) + bp.leaky_relu(y)),
        ("leaky_relu(x, 0.2)", bp.leaky_relu(x, 0.2)),
        ("max(0, x) + min(x, y)", bp.maximum(0, x) + bp.minimum(x, y)),
        ("ln(x) + log(y) + sqrt(w)", bp.log(x) + bp.log(y) + bp.sqrt(w)),
        ("where(x > 0, x, x/3)", bp.where(x > 0, x, x / 3)),
        ("sin(pi*x)", bp.sin(sympy.pi * x)),
        ("abs(x)", bp.Abs(x)),
        ("  x\n * y ", x * y),
        ("1.5e-3*x", 0.0015 * x),
    ],
)
def test_formulas_are_read_as_python_reads_them(text: str, expected: Any) -> None:
    assert parse_formula(text) == expected


def test_every_function_of_the_notation_can_be_called() -> None:
    known = {"where", "log_sum_exp"}
    for name, operation in OPERATIONS.items():
        if name in known:
            continue
        for arguments in ("x", "x, y"):
            try:
                found = parse_formula(f"{name}({arguments})")
            except bp.NotationError as error:
                assert "argument" in str(error)  # noqa: PT017 - one of the two counts is wrong
                continue
            symbols = (x, y)[: arguments.count(",") + 1]
            assert found == translated(operation.function(*symbols))
            break
        else:
            pytest.fail(f"{name} takes neither one nor two arguments")


def test_a_number_inside_a_function_of_symbp_is_a_number() -> None:
    assert float(parse_formula("sigmoid(0) + gelu(1)*0")) == 0.5


def test_names_come_in_the_order_written_and_also_if_they_cancel() -> None:
    assert names_in("z*exp(0*y) + pi*a - z") == ("z", "y", "a")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x^2", "a power is written x**2, not x^2 (at character 2: '^2')"),
        ("2 + x^2", "(at character 6: '^2')"),
        ("sigmod(x)", "no function 'sigmod'; did you mean 'sigmoid'"),
        ("relu(x, y)", "relu takes 1 argument, got 2"),
        ("maximum(x)", "maximum takes 2 arguments, got 1"),
        ("leaky_relu(x, y, w)", "leaky_relu takes 1 or 2 arguments, got 3"),
        ("exp", "exp is a function, write exp(…)"),
        ("x +", "something is missing after + (at character 3: '+')"),
        ("2x", "write 2*x (at character 1: '2x')"),
        ("y + 1.5 x2", "write 1.5*x2 (at character 5: '1.5 x2')"),
        ("2(x + y)", "write 2*(…) (at character 1"),
        ("(x+y", "a parenthesis is not closed (at character 1: '(x+y')"),
        ("y*sin(x", "a parenthesis is not closed (at character 6: '(x')"),
        ("x + y)", "a parenthesis is closed that was not opened (at character 6: ')')"),
        ("f = x*y", "expected a formula, not an equation: leave out 'f =' (at character 1"),
        ("f(x, y) = x*y", "not an equation: leave out 'f(x, y) ='"),
        ("x + y = 0", "not an equation: it has no '=' (at character 7: '= 0')"),
        ("lambda*x", "lambda is a word of Python's own: choose another name (at character 1"),
        ("x + in", "in is a word of Python's own: choose another name (at character 5: 'in')"),
        ("x y", "cannot be read as a formula (at character 3: 'y')"),
        ("λ*ü $", "cannot be read as a formula (at character 5: '$')"),
        ("x.real", "expected numbers, names, + - * / **, parentheses and functions"),
        ("[x]", "expected numbers, names"),
        ("lambda: 0", "expected numbers, names"),
        ("x if y else w", "expected numbers, names"),
        ("'x'", "expected a number, got"),
        ("True*x", "expected a number, got True"),
        ("x + 2j", "write 2*j (at character 5: '2j')"),
        ("x == y", "a comparison can only be the first argument of where"),
        ("where(x, y, w)", "where takes one comparison first, such as x > 0"),
        ("where(0 < x < 1, y, w)", "where takes one comparison first, such as x > 0"),
        ("relu(x=y)", "relu takes its arguments one by one"),
        ("__import__('os').system('true')", "expected the name of a function"),
        ("", "got empty text"),
        ("x/0", "division by zero (at character 3: '0')"),
        ("0**-1", "division by zero"),
        ("sqrt(-1)", "is not a real number"),
        ("(-8)**(1/3)", "is not a real number"),
        ("log(0)", "no finite number, or too large for a float"),
        ("1e999*x", "too large for a float"),
    ],
)
def test_what_cannot_be_read_is_named_in_one_line(text: str, message: str) -> None:
    with pytest.raises(bp.NotationError) as caught:
        parse_formula(text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "9**9**9**9",
        "(9**9)**(9**9)",
        "(2*x)**100000000",
        "(x*sqrt(2))**1000000000",
        "(10001/10000)**10000000",
        "exp(exp(exp(100)))",
        "exp(exp(100)) - 5",
        "exp(3)**10**15",
        "x**10**400",
        "(" * 4000 + "x" + ")" * 4000,
        "(" * 200 + "x" + ")" * 200,
        "-" * 5000 + "x",
        "- " * 4000 + "x",
        "not " * 2000 + "x",
        "x**" * 3000 + "x",
        "+".join(["x"] * 4900),
        "relu(" * 150 + "x" + ")" * 150,
        "9" * 5000,
        "x" * (LONGEST + 1),
        "x\0",
    ],
)
def test_hostile_text_is_refused(text: str) -> None:
    with pytest.raises(bp.NotationError) as caught:
        parse_formula(text)
    assert len(str(caught.value)) < 500


def test_a_long_sum_is_no_deep_one() -> None:
    names = [f"x{i}" for i in range(400)]
    assert parse_formula(" + ".join(names)) == Plus(*(Name(n, real=True) for n in names))


@given(st.text(alphabet="xy012.+-*/() ,^eE<>=[]'\\\n", max_size=40))
@settings(max_examples=300, deadline=2000)
def test_any_text_is_a_formula_or_refused(text: str) -> None:
    try:
        formula = parse_formula(text)
    except bp.NotationError:
        return
    assert formula.free_symbols <= {sympy.Symbol(n, real=True) for n in names_in(text)}


def _written(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(["x", "y", "2", "0.5", "7"])
    if depth == 0:
        return leaf
    inner = _written(depth - 1)
    return st.one_of(
        leaf,
        st.tuples(inner, st.sampled_from("+-*/"), inner).map("({0[0]}){0[1]}({0[2]})".format),
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(" ".join),
        inner.map("-({})".format),
        inner.map("({})**2".format),
        inner.map("sin({})".format),
    )


@given(_written(4))
@settings(max_examples=200, deadline=2000)
def test_a_formula_has_the_value_that_python_gives_it(text: str) -> None:
    values = {"x": 0.7, "y": -1.3}
    scope = {"__builtins__": {}, "sin": math.sin, **values}
    try:
        # Python's own reading of what this test wrote itself.
        expected = eval(text, scope)
        formula = parse_formula(text)
    except (ZeroDivisionError, OverflowError):
        return
    except bp.NotationError as error:
        assert "division by zero" in str(error) or "float" in str(error)  # noqa: PT017
        return
    found = float(formula.subs({x: values["x"], y: values["y"]}))
    if abs(expected) < 1e8:
        assert found == pytest.approx(expected, rel=1e-7, abs=1e-7)
