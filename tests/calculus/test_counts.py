"""The counts of operations and of paths are those of carrying them out one by one."""

import itertools
from collections.abc import Iterator

import pytest
import sympy

import symbp as bp
from symbp.calculus.counts import local_derivatives, operations, tangent_operations
from symbp.calculus.forward import forward
from symbp.calculus.normalise import normalise
from symbp.calculus.path_counts import count_paths
from symbp.calculus.reverse import reverse
from symbp.calculus.sizes import axes_of, sizes_of
from symbp.calculus.unroll import unroll
from symbp.notation.index import Index
from symbp.notation.tensor import Element, Tensor
from tests.calculus import literal_counts
from tests.programs import PROGRAMS

NETWORKS = {
    "3-3-3": lambda: bp.mlp(3, 3, 3),
    "softmax": lambda: bp.mlp(4, 3, 2, loss="softmax_cross_entropy"),
    "deep": lambda: bp.mlp(
        2, 3, 1, 2, 2, activation="tanh", loss="cross_entropy", output="sigmoid"
    ),
}
# A program of a whole batch has no number before N is known.
# What is solved for is no body to evaluate at a point: see test_linear_algebra.
ALL = [*NETWORKS, *(name for name in PROGRAMS if name not in ("running", "systems"))]


def built(name: str) -> tuple[bp.Program, dict]:
    if name in NETWORKS:
        return NETWORKS[name](), {}
    return PROGRAMS[name]()


def extent(index: Index) -> int:
    return int(index.extent)


def forward_program(program: bp.Program) -> bp.Program:
    """The forward equations as they are printed."""
    derivation = bp.derive(program)
    equations = [equation for line in derivation.forward for equation in line.equations]
    return bp.Program(equations, program.cost, derived=True)


def counted(equations: object) -> tuple[int, int, int]:
    counts = operations(equations, extent)
    return counts.multiplications, counts.additions, counts.calls


@pytest.mark.parametrize("name", ALL)
def test_counts_are_those_of_evaluating_every_point(name: str) -> None:
    printed = bp.derive(built(name)[0]).printed_program
    assert counted(printed.equations) == literal_counts.count(printed.equations)


@pytest.mark.parametrize("name", ALL)
def test_counts_of_tangents_and_of_the_rule_are_those_of_evaluating_every_point(name: str) -> None:
    normal = normalise(forward_program(built(name)[0]))
    for equations in (forward(normal)[0].equations, reverse(normal).equations):
        assert counted(equations) == literal_counts.count(equations)


def test_counts_of_a_layer_are_those_that_sympy_finds_in_its_scalar_equations() -> None:
    program = forward_program(bp.mlp(4, 3, 2))
    add, multiply, call = 0, 0, 0
    for equation in unroll(program).equations:
        found = sympy.count_ops(equation.body, visual=True).as_coefficients_dict()
        names = {str(name): int(number) for name, number in found.items()}
        # SymPy calls the operations of subclasses by their names.
        for ours, theirs in (("PLUS", "ADD"), ("TIMES", "MUL"), ("POWER", "POW")):
            names[theirs] = names.get(theirs, 0) + names.pop(ours, 0)
        add += names.pop("ADD", 0) + names.pop("SUB", 0)
        multiply += names.pop("MUL", 0) + names.pop("DIV", 0) + names.pop("POW", 0)
        call += sum(names.values())
    assert counted(program.equations) == (multiply, add, call)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (lambda x, y: x * y, (1, 0, 0)),
        (lambda x, y: -x * y, (1, 0, 0)),
        (lambda x, y: 3 * x * y, (2, 0, 0)),
        (lambda x, y: x / y, (1, 0, 0)),
        (lambda x, y: 1 / (x * y), (2, 0, 0)),
        (lambda x, y: x / (3 * y), (2, 0, 0)),
        (lambda x, y: x**3 - y, (2, 1, 0)),
        (lambda x, y: x**-2, (2, 0, 0)),
        (lambda x, y: x ** (y + 1), (0, 1, 1)),
        (lambda x, y: sympy.sqrt(x) + 2 + sympy.pi, (0, 1, 1)),
        (lambda x, y: bp.sigmoid(x + y) * 2, (1, 1, 1)),
        (lambda x, y: bp.where(x > 0, x * y, x + y), (1, 1, 0)),
        (lambda x, y: x**100, (0, 0, 1)),
    ],
)
def test_operations_of_an_expression(body, expected) -> None:  # type: ignore[no-untyped-def]
    x, y, z = bp.parameter("x"), bp.parameter("y"), bp.tensor("z")
    assert counted([bp.Equation(z, body(x[()], y[()]))]) == expected


def test_equal_numbers_are_different_sizes() -> None:
    n_1, n_2, n_3 = sympy.symbols("n_1 n_2 n_3", integer=True, positive=True)
    assert sizes_of(bp.mlp(3, 3, 3)).values == {n_1: 3, n_2: 3, n_3: 3}
    assert list(sizes_of(bp.mlp(784, 30, 10)).values.values()) == [784, 30, 10]


def test_one_index_is_one_size() -> None:
    i, j = bp.indices("i j", 4)
    A, C = bp.parameter("A", i, j), bp.tensor("C")
    separate = bp.Program([bp.Equation(C, bp.Sum(A[i, j] ** 2, i, j))], cost=C)
    assert len(sizes_of(separate).values) == 2
    diagonal = bp.Program([bp.Equation(C, bp.Sum(A[i, i] * A[i, j], i, j))], cost=C)
    assert len(sizes_of(diagonal).values) == 1


def reads(body: sympy.Expr) -> set[Tensor]:
    return {element.tensor for element in body.atoms(Element)}


def walks(program: bp.Program) -> Iterator[list[Tensor]]:
    """Yield every path from the cost to a parameter, one after the other."""
    edges = {equation.tensor: reads(equation.body) for equation in program.equations}
    stack = [[program.cost]]
    while stack:
        path = stack.pop()
        if path[-1].role == "parameter":
            yield path
        stack.extend([*path, tensor] for tensor in edges.get(path[-1], ()))


def slopes(program: bp.Program) -> dict[tuple[Tensor, Tensor], sympy.Expr]:
    """The local derivatives of a program of scalars, as SymPy finds them."""
    found = {}
    for equation in program.equations:
        symbols = {e: sympy.Symbol(f"s{n}") for n, e in enumerate(equation.body.atoms(Element))}
        body = equation.body.xreplace(symbols)
        found |= {(equation.tensor, e.tensor): body.diff(s) for e, s in symbols.items()}
    return found


@pytest.mark.parametrize("name", ["3-3-3", "softmax", "deep", "bilinear", "scalar_graph"])
def test_paths_are_those_found_by_walking_them(name: str) -> None:
    program = forward_program(built(name)[0])
    scalar = unroll(program)
    found = list(walks(scalar))
    counts = count_paths(program, extent)
    ends = {path[-1] for path in found}
    assert counts.total == len(found)
    slope = slopes(scalar)
    factors = [
        sum(slope[edge] not in (1, -1) for edge in itertools.pairwise(path)) for path in found
    ]
    assert counts.operations.multiplications == sum(max(n - 1, 0) for n in factors)
    assert counts.operations.additions == len(found) - len(ends)


def swept(program: bp.Program) -> dict[str, int]:
    """The number of paths to each scalar parameter of a program of scalars."""
    paths = {program.cost: 1}
    for equation in reversed(program.equations):
        for tensor in reads(equation.body):
            paths[tensor] = paths.get(tensor, 0) + paths.get(equation.tensor, 0)
    return {t.name: n for t, n in paths.items() if t.role == "parameter"}


@pytest.mark.parametrize("name", ["convolution", "embedding", "lstm"])
def test_paths_of_windows_tokens_and_recurrences(name: str) -> None:
    given, values = built(name)
    program = forward_program(given)
    integers = {}
    for tensor in program.tensors:
        if tensor.kind == "integer":  # the last example, whose tokens are all different
            integers[tensor.name] = values[tensor.name][-1]
    scalar = swept(unroll(program, integers=integers))
    for parameter, paths in count_paths(program, extent).paths.items():
        entries = [n for name, n in scalar.items() if name.split("_")[0] == parameter.name]
        assert paths == sum(entries)


def test_the_first_weight_of_a_3_3_3_network_has_three_paths() -> None:
    counts = count_paths(forward_program(bp.mlp(3, 3, 3)), extent)
    assert {t.name: n for t, n in counts.paths.items()} == {"W1": 27, "b1": 9, "W2": 9, "b2": 3}
    assert bp.derive(bp.mlp(3, 3, 3)).paths("W1", 0, 0).count == 3


def test_reads_that_meet_on_a_diagonal_are_two_edges() -> None:
    # G[i, j] = Σ_m X[m, i] X[m, j]: where i = j both lead to one element.
    program = forward_program(PROGRAMS["gram"]()[0])
    to_G = 4 * 4 + 4  # from C, and by d from C
    assert {t.name: n for t, n in count_paths(program, extent).paths.items()} == {
        "X": to_G * 2 * 6,
        "A": 4 * 4 + 4,
    }
    scalar = swept(unroll(program))
    merged = 2 * 4 * 6  # 4 elements of the diagonal, reached in two ways, 6 products in each
    assert sum(n for name, n in scalar.items() if name[0] == "X") == to_G * 2 * 6 - merged


@pytest.mark.parametrize("name", ["3-3-3", "deep", "scalar_graph"])
def test_tangents_are_sums_of_products_with_the_local_derivatives(name: str) -> None:
    program = forward_program(built(name)[0])
    scalar = unroll(program)
    varies = {
        t for t in scalar.tensors if scalar.depends_on([t]) & {*scalar.parameters}
        or t in scalar.parameters
    }  # fmt: skip
    read: dict[Tensor, list[sympy.Expr]] = {}
    for (into, source), slope in slopes(scalar).items():
        if source in varies:
            read.setdefault(into, []).append(slope)
    counts = tangent_operations(normalise(program), extent)
    factors = [slope for found in read.values() for slope in found if slope not in (1, -1)]
    assert counts.multiplications == len(factors)
    assert counts.additions == sum(len(found) - 1 for found in read.values())
    assert counts.calls == 0


def test_a_path_without_a_factor_costs_nothing() -> None:
    w, v, C = bp.parameter("w"), bp.parameter("v"), bp.tensor("C")
    q = bp.tensor("q")
    program = bp.Program([bp.Equation(q, w - v), bp.Equation(C, 3 * v + q)], cost=C)
    counts = count_paths(program, extent)
    assert counts.total == 3
    assert {t.name: n for t, n in counts.factors.items()} == {"w": 0, "v": 1}
    assert (counts.operations.multiplications, counts.operations.additions) == (0, 1)


def test_local_derivatives_of_a_sigmoid_layer_are_one_call_each() -> None:
    normal = normalise(forward_program(bp.mlp(4, 3, 2)))
    counts = local_derivatives(normal, extent)
    assert counts.calls == 3 + 2
    assert counts.additions == 2  # a - y
    assert counts.multiplications == 0


@pytest.mark.parametrize(
    "guarded",
    [
        lambda t, h: bp.where(sympy.Gt(t, 0), bp.where(sympy.Lt(t, 3), h[t - 1], 0), 0),
        lambda t, h: bp.where(sympy.Gt(t, 0), bp.where(sympy.Eq(t, 2), 0, h[t - 1]), 0),
        lambda t, h: bp.where(sympy.Eq(t, 0), 0, h[t - 1]),
        lambda t, h: bp.where(sympy.Gt(t, 1), h[t - 2] + h[t - 1], 0),
    ],
)
def test_a_step_is_read_where_all_of_its_guards_hold(guarded) -> None:  # type: ignore[no-untyped-def]
    t = bp.Index("t", 5, sequential=True)
    x, h, C = bp.parameter("x", t), bp.tensor("h", t), bp.tensor("C")
    equations = [
        bp.Equation(h[t], guarded(t, h) + x[t]),
        bp.Equation(C, bp.Sum(h[t] ** 2, t)),
    ]
    program = bp.Program(equations, cost=C)
    (paths,) = count_paths(program, extent).paths.values()
    assert paths == sum(swept(unroll(program)).values())


def test_an_element_that_is_also_among_those_of_a_sum_is_one_read() -> None:
    j = bp.Index("j", 3)
    v, z, C = bp.parameter("v", j), bp.tensor("z", j), bp.tensor("C")
    k = j.fresh()
    for body in (v[j] + bp.Sum(v[k], k), bp.Sum(v[k], k) + v[j]):
        equations = [bp.Equation(z[j], body), bp.Equation(C, bp.Sum(z[j], j))]
        counts = count_paths(bp.Program(equations, cost=C), extent)
        # Of nine derivatives ∂z_j/∂v_k three are 2, and none is known to be 1.
        assert counts.total == 9
        assert {t.name: n for t, n in counts.factors.items()} == {"v": 9}


def test_a_size_that_no_tensor_has_is_that_of_an_index() -> None:
    h, p = bp.Index("h", 3), bp.Index("p", 2)
    x, z = bp.parameter("x", bp.Index("i", 6)), bp.tensor("z", h)
    program = bp.Program([bp.Equation(z[h], bp.Mean(x[2 * h + p], p))])
    sizes = sizes_of(program)
    found = {extent: pair for symbol, pair in axes_of(program, sizes).items()
             for extent in [sizes.values[symbol]]}  # fmt: skip
    assert found[6][1] is x
    assert found[3][1] is z
    assert found[2] == (p, None)
