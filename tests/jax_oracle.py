"""An oracle for everything: a program evaluated by JAX in float64, differentiated by ``jax.grad``.

It takes programs as the user wrote them (reductions nested anywhere) as well as normalised and
derived ones, and shares nothing with symbp's calculus: no normalisation, no schedule and no
derivative rule. Every index is one axis of an array; a recurrence is evaluated on demand, one step
at a time, by recursion.
"""

import functools
from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy.linalg
import jax.scipy.special
import numpy as np
import sympy

import symbp as bp
from symbp.notation.derivative import Derivative
from symbp.notation.equation import Equation, Origin
from symbp.notation.functions import operation_of, where
from symbp.notation.index import Index
from symbp.notation.linear_algebra import IMPLICIT, Factor, Implicit, Unknown
from symbp.notation.prime import Prime
from symbp.notation.reductions import REDUCTIONS, Reduction
from symbp.notation.tensor import Element, Tensor

jax.config.update("jax_enable_x64", True)


def _power(base: Any, exponent: Any) -> Any:
    if isinstance(exponent, float) and exponent == int(exponent):
        exponent = int(exponent)
    return base**exponent


FUNCTIONS: dict[str, Callable[..., Any]] = {
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": lambda x: jnp.where(x > 0, x, 0.0),
    "leaky_relu": lambda x, slope: jnp.where(x > 0, x, slope * x),
    "elu": lambda x, alpha: jnp.where(x > 0, x, alpha * jnp.expm1(jnp.where(x > 0, 0.0, x))),
    "gelu": lambda x: x * jax.scipy.special.ndtr(x),
    "gelu_tanh": lambda x: x * (1 + jnp.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))) / 2,
    "silu": jax.nn.silu,
    "softplus": jax.nn.softplus,
    "sin": jnp.sin,
    "cos": jnp.cos,
    "exp": jnp.exp,
    "expm1": jnp.expm1,
    "log": jnp.log,
    "log1p": jnp.log1p,
    "erf": jax.scipy.special.erf,
    "Abs": jnp.abs,
    "sign": jnp.sign,
    "maximum": jnp.maximum,
    "minimum": jnp.minimum,
    "absorbing_product": lambda a, b: jnp.where(a == 0, 0.0, a * jnp.where(a == 0, 0.0, b)),
    "xlogy": jax.scipy.special.xlogy,
    "xlog1py": jax.scipy.special.xlog1py,
    "norm": jnp.sqrt,
    "stop_gradient": lambda x: jax.lax.stop_gradient(x),
    "tan": jnp.tan,
    "sinh": jnp.sinh,
    "cosh": jnp.cosh,
    "asin": jnp.arcsin,
    "acos": jnp.arccos,
    "atan": jnp.arctan,
    "atan2": jnp.arctan2,
    "asinh": jnp.arcsinh,
    "acosh": jnp.arccosh,
    "atanh": jnp.arctanh,
    "erfc": jax.scipy.special.erfc,
    "log_ndtr": jax.scipy.special.log_ndtr,
    "gammaln": jax.scipy.special.gammaln,
    "digamma": jax.scipy.special.digamma,
    "trigamma": lambda x: jax.scipy.special.polygamma(1, x),
    "ceil": jnp.ceil,
    "round": jnp.round,
    "mod": jnp.mod,
    "heaviside": jnp.heaviside,
    # Of indices it is SymPy's, of which NumPy computes subscripts; of values it is the notation's.
    "floor": lambda x: jnp.floor(x) if isinstance(x, jax.Array) else np.floor(x),
    "ceiling": np.ceil,
    "Mod": np.mod,
    "Remainder": np.mod,
    "Quotient": np.floor,
}

RELATIONS: dict[Any, Callable[..., Any]] = {
    sympy.Eq: lambda a, b: a == b,
    sympy.Ne: lambda a, b: a != b,
    sympy.Lt: lambda a, b: a < b,
    sympy.Le: lambda a, b: a <= b,
    sympy.Gt: lambda a, b: a > b,
    sympy.Ge: lambda a, b: a >= b,
    sympy.And: lambda *v: functools.reduce(lambda a, b: a & b, v),
    sympy.Or: lambda *v: functools.reduce(lambda a, b: a | b, v),
    sympy.Not: lambda a: ~np.asarray(a) if isinstance(a, (bool, np.bool_)) else ~a,
}

REDUCE: dict[str, Callable[..., Any]] = {
    "sum": jnp.sum,
    "max": jnp.max,
    "logsumexp": jax.scipy.special.logsumexp,
}


class Oracle:
    """The values of one program's tensors, computed on demand."""

    def __init__(self, program: bp.Program, values: Mapping[str, Any]) -> None:
        self.program = program
        self.extents: dict[Any, int] = {}
        self.given: dict[Tensor, Any] = {}
        self.full_values: dict[Tensor, Any] = {}
        self.step_values: dict[tuple[Tensor, int], Any] = {}
        self.jacobians: dict[Any, Any] = {}
        for tensor in program.tensors:
            if tensor.role == "intermediate" and tensor.name not in values:
                continue
            array = values.get(tensor.name, tensor.value)
            if tensor.kind == "integer":
                array = np.asarray(array, dtype=np.int64)
            elif not isinstance(array, jax.core.Tracer):
                array = jnp.asarray(array, dtype=jnp.float64)
            self.given[tensor] = array
            for extent, size in zip(tensor.shape, array.shape, strict=True):
                self.extents[extent] = size
        self.time_axis = dict(_recurrent(program))

    def size(self, extent: Any) -> int:
        return extent if isinstance(extent, int) else self.extents[extent]

    def full(self, tensor: Tensor) -> Any:
        """Return the whole of a tensor."""
        if tensor in self.given:
            return self.given[tensor]
        if tensor not in self.full_values:
            if tensor in self.time_axis:
                axis = self.time_axis[tensor]
                steps = range(self.size(tensor.shape[axis]))
                value = jnp.stack([self.step(tensor, step) for step in steps], axis=axis)
            else:
                value = jnp.zeros([self.size(e) for e in tensor.shape])
                for equation in self.program.equations_of(tensor):
                    value = self.add(equation, value, {}, None)
            self.full_values[tensor] = value
        return self.full_values[tensor]

    def step(self, tensor: Tensor, step: int) -> Any:
        """Return one step of a recurrent tensor, without its time axis."""
        if (tensor, step) not in self.step_values:
            axis = self.time_axis[tensor]
            shape = [self.size(e) for a, e in enumerate(tensor.shape) if a != axis]
            value = jnp.zeros(shape)
            for equation in self.program.equations_of(tensor):
                subscript = equation.lhs.args[axis]
                (index,) = subscript.free_symbols
                at = step - int(subscript - index)
                if 0 <= at < self.size(index.extent):
                    value = self.add(equation, value, {index: at}, axis)
            self.step_values[tensor, step] = value
        return self.step_values[tensor, step]

    def add(self, equation: Equation, value: Any, fixed: dict[Index, int], skip: Any) -> Any:
        """Add what one equation contributes to its tensor."""
        if equation.reduce and equation.operation in IMPLICIT:
            whole = REDUCTIONS[equation.operation](equation.body, *equation.reduce)
            equation = Equation(equation.lhs, whole, origin=Origin("solved"))
        bound = {i for r in equation.body.atoms(Reduction) for i in r.bound}
        domain = [i for i in equation.domain if i not in fixed]
        axes = domain + sorted(bound - set(domain), key=lambda i: i.dummy_index)
        grid: dict[Index, Any] = dict(fixed.items())
        for index in domain:
            grid[index] = self.axis(index, axes)
        body = self.evaluate(equation.body, grid, axes)
        body = jnp.asarray(body, dtype=jnp.float64)
        shape = [self.size(i.extent) for i in domain]
        body = body.reshape(body.shape[: len(domain)]) if body.ndim else body
        body = jnp.broadcast_to(body, shape)
        reduced = [domain.index(i) for i in equation.reduce if i not in fixed]
        if reduced:
            body = REDUCE[equation.operation](body, axis=tuple(reduced), keepdims=True)
        places = [
            np.asarray(self.evaluate(s, grid, axes))
            for a, s in enumerate(equation.lhs.args)
            if a != skip
        ]
        if not places:
            return value + body.reshape(())
        places = [p.reshape(p.shape[: len(domain)]) if p.ndim else p for p in places]
        places = np.broadcast_arrays(*places, np.empty(body.shape))[:-1]
        sizes = value.shape
        inside = np.all([(p >= 0) & (p < s) for p, s in zip(places, sizes, strict=True)], axis=0)
        return value.at[tuple(p[inside] for p in places)].add(body[inside])

    def axis(self, index: Index, axes: list[Index]) -> Any:
        shape = [1] * len(axes)
        shape[axes.index(index)] = -1
        return np.arange(self.size(index.extent)).reshape(shape)

    def evaluate(self, node: Any, grid: dict[Index, Any], axes: list[Index]) -> Any:
        if isinstance(node, Index):
            return grid[node]
        if isinstance(node, Element):
            return self.element(node, grid, axes)
        if isinstance(node, Derivative):
            return self.derivative(node, grid, axes)
        if isinstance(node, Tensor):
            return self.full(node)
        if node.is_Symbol:
            return float(self.extents[node])
        if node in (sympy.true, sympy.false):
            return bool(node)
        if node.is_number:
            return int(node) if node.is_Integer else float(node)
        if isinstance(node, Implicit):
            return self.implicit(node, grid, axes)
        if isinstance(node, Reduction):
            inner = {**grid, **{i: self.axis(i, axes) for i in node.bound}}
            body = jnp.asarray(self.evaluate(node.body, inner, axes), dtype=jnp.float64)
            shape = list(body.shape) if body.ndim else [1] * len(axes)
            for index in node.bound:
                shape[axes.index(index)] = self.size(index.extent)
            over = tuple(axes.index(i) for i in node.bound)
            return REDUCE[node.operation](jnp.broadcast_to(body, shape), axis=over, keepdims=True)
        if isinstance(node, where):
            condition = self.evaluate(node.args[0], grid, axes)
            if isinstance(condition, (bool, np.bool_, np.ndarray)):  # known: prune
                if np.all(condition):
                    return self.evaluate(node.args[1], grid, axes)
                if not np.any(condition):
                    return self.evaluate(node.args[2], grid, axes)
            branches = (self.evaluate(argument, grid, axes) for argument in node.args[1:])
            return jnp.where(condition, *branches)
        if isinstance(node, Prime):
            return self.prime(node, grid, axes)
        values = [self.evaluate(argument, grid, axes) for argument in node.args]
        if isinstance(node, sympy.Add):
            return functools.reduce(lambda a, b: a + b, values)
        if isinstance(node, sympy.Mul):
            return functools.reduce(lambda a, b: a * b, values)
        if isinstance(node, sympy.Pow):
            if isinstance(values[0], np.ndarray):
                values[0] = values[0].astype(float)
            return _power(*values)
        for kind, evaluate in RELATIONS.items():
            if isinstance(node, kind):
                return evaluate(*values)
        return apply(type(node), values)

    def implicit(self, node: Implicit, grid: dict[Index, Any], axes: list[Index]) -> Any:
        """Return what ``jax.numpy.linalg`` gives, each index on its own axis."""
        inner = {**grid, **{i: self.axis(i, axes) for i in node.bound}}
        ends = [axes.index(i) for i in node.bound]

        def stacked(part: Any, *along: Index) -> Any:
            value = jnp.asarray(self.evaluate(part, inner, axes), dtype=jnp.float64)
            shape = list(value.shape) if value.ndim else [1] * len(axes)
            for index in along:
                shape[axes.index(index)] = self.size(index.extent)
            return jnp.moveaxis(jnp.broadcast_to(value, shape), ends, (-2, -1))

        def put(value: Any, sources: list[int], places: list[Index]) -> Any:
            """Move the last axes to those of the indices outside, which have size 1."""
            rest = [a for a in range(len(axes)) if a not in ends]
            value = jnp.squeeze(value, tuple(rest.index(axes.index(p)) for p in places))
            value = jnp.moveaxis(value, sources, [rest.index(axes.index(p)) for p in places])
            return jnp.expand_dims(value, sorted(ends))

        matrix = stacked(getattr(node.body, "matrix", node.body), *node.bound)
        if node.operation == "logdet":
            return jnp.expand_dims(jnp.linalg.slogdet(matrix)[1], sorted(ends))
        if isinstance(node.body, Factor):
            return put(jnp.linalg.cholesky(matrix), [-2, -1], list(node.body.places))
        assert isinstance(node.body, Unknown)
        right = stacked(node.body.right, node.bound[0])
        rest = jnp.broadcast_shapes(matrix.shape[:-2], right.shape[:-2])
        matrix = jnp.broadcast_to(matrix, rest + matrix.shape[-2:])
        right = jnp.broadcast_to(right, rest + right.shape[-2:])
        if node.operation == "solve":
            found = jnp.linalg.solve(matrix, right)
        else:
            lower = node.operation == "solve_lower"
            found = jax.scipy.linalg.solve_triangular(matrix, right, lower=lower)
        return put(found[..., 0], [-1], [node.body.place])

    def element(self, node: Element, grid: dict[Index, Any], axes: list[Index]) -> Any:
        places = [self.evaluate(subscript, grid, axes) for subscript in node.args]
        # A quotient, rounded down, is a float that is whole.
        places = [np.asarray(p).astype(int) if np.ndim(p) else int(p) for p in places]
        if node.tensor in self.time_axis:
            axis = self.time_axis[node.tensor]
            if isinstance(places[axis], (int, np.integer)):
                at = min(max(int(places[axis]), 0), self.size(node.tensor.shape[axis]) - 1)
                array = self.step(node.tensor, at)
                del places[axis]
            else:
                array = self.full(node.tensor)
        else:
            array = self.full(node.tensor)
        clipped = [
            np.clip(np.asarray(p), 0, size - 1) for p, size in zip(places, array.shape, strict=True)
        ]
        return array[tuple(clipped)] if clipped else array

    def derivative(self, node: Derivative, grid: dict[Index, Any], axes: list[Index]) -> Any:
        """Return elements of the whole Jacobian, by as many axes as its tensors have."""
        key = (node.of.tensor, tuple(e.tensor for e in node.by))
        if key not in self.jacobians:
            self.jacobians[key] = self.jacobian(*key, {})
        array = self.jacobians[key]
        subscripts = [a for element in node.args for a in element.args]
        return array[tuple(np.asarray(self.evaluate(a, grid, axes)) for a in subscripts)]

    def jacobian(self, of: Tensor, by: tuple[Tensor, ...], chosen: dict[Tensor, Any]) -> Any:
        if not by:
            values = {tensor.name: array for tensor, array in {**self.given, **chosen}.items()}
            return Oracle(self.program, values).full(of)
        *first, last = by
        at = chosen.get(last, self.full(last))
        inner = jax.jacfwd(lambda v: self.jacobian(of, tuple(first), {**chosen, last: v}))
        return inner(at)

    def prime(self, node: Prime, grid: dict[Index, Any], axes: list[Index]) -> Any:
        """Differentiate an elementwise function by JAX's forward mode."""
        application = node.application
        values = [self.evaluate(a, grid, axes) for a in application.args]
        values = [jnp.asarray(v, dtype=jnp.float64) for v in jnp.broadcast_arrays(*values)]
        tangents = [jnp.ones_like(v) * (i + 1 == node.argument) for i, v in enumerate(values)]
        return jax.jvp(lambda *v: apply(type(application), list(v)), values, tangents)[1]


def apply(function: type, values: list[Any]) -> Any:
    """Apply a function by its name, or a user's own by its formula."""
    if function.__name__ in FUNCTIONS:
        if function.__name__ not in ("floor", "ceiling", "Mod", "Remainder", "Quotient"):
            values = [jnp.asarray(value, dtype=jnp.float64) for value in values]
        return FUNCTIONS[function.__name__](*values)
    symbols = [sympy.Dummy(f"x{i}", real=True) for i in range(len(values))]
    formula = operation_of(function).definition(*symbols)  # type: ignore[misc]
    given = dict(zip(symbols, values, strict=True))

    def visit(node: Any) -> Any:
        if node in given:
            return given[node]
        if node.is_number:
            return int(node) if node.is_Integer else float(node)
        inner = [visit(argument) for argument in node.args]
        if isinstance(node, sympy.Add):
            return functools.reduce(lambda a, b: a + b, inner)
        if isinstance(node, sympy.Mul):
            return functools.reduce(lambda a, b: a * b, inner)
        if isinstance(node, sympy.Pow):
            return _power(*inner)
        if isinstance(node, where):
            return jnp.where(*inner)
        for kind, evaluate in RELATIONS.items():
            if isinstance(node, kind):
                return evaluate(*inner)
        return apply(type(node), inner)

    return visit(formula)


def _recurrent(program: bp.Program) -> Any:
    """Yield the tensors that need themselves, each with the axis that carries it."""
    reads: dict[Tensor, set[Tensor]] = {}
    for equation in program.equations:
        reads.setdefault(equation.tensor, set()).update(e.tensor for e in equation.reads())
    for tensor in reads:
        found: set[Tensor] = set()
        stack = list(reads[tensor])
        while stack:
            other = stack.pop()
            if other not in found:
                found.add(other)
                stack.extend(reads.get(other, ()))
        if tensor in found:
            yield tensor, next(a for a, i in enumerate(tensor.indices) if i.sequential)


def _compiled(function: Callable[..., Any], argument: Any) -> Any:
    """Apply a function compiled as a whole: each is run once, so XLA is told to be quick."""
    options = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
    compiled = jax.jit(function).lower(argument).compile(compiler_options=options)
    return {name: np.asarray(value) for name, value in compiled(argument).items()}


def _real(program: bp.Program, values: Mapping[str, Any]) -> dict[str, Any]:
    kinds = {tensor.name: tensor.kind for tensor in program.tensors}
    return {n: np.asarray(v, dtype=float) for n, v in values.items() if kinds.get(n) == "real"}


def evaluate(program: bp.Program, values: Mapping[str, Any]) -> dict[str, np.ndarray]:
    """Return the value of every tensor that an equation defines."""

    def everything(chosen: dict[str, Any]) -> dict[str, Any]:
        oracle = Oracle(program, {**values, **chosen})
        return {e.tensor.name: oracle.full(e.tensor) for e in program.equations}

    return _compiled(everything, _real(program, values))


def cost_and_gradients(
    program: bp.Program, values: Mapping[str, Any]
) -> tuple[float, dict[str, np.ndarray]]:
    """Return the cost, and its gradients by the names of the parameters, by ``jax.grad``."""

    def cost(chosen: dict[str, Any]) -> Any:
        return Oracle(program, {**values, **chosen}).full(program.cost)

    def both(chosen: dict[str, Any]) -> dict[str, Any]:
        value, found = jax.value_and_grad(cost)(chosen)
        return {**found, "the cost": value}

    names = [tensor.name for tensor in program.parameters]
    result = _compiled(both, {n: np.asarray(values[n], dtype=float) for n in names})
    return float(result.pop("the cost")), result


def gradients(
    program: bp.Program, values: Mapping[str, Any], wrt: Any = None
) -> dict[str, np.ndarray]:
    """Return ∂cost/∂T by ``jax.grad``, by the names of the tensors of ``wrt``."""
    wanted = [tensor.name for tensor in (program.parameters if wrt is None else wrt)]

    def cost(chosen: dict[str, Any]) -> Any:
        return Oracle(program, {**values, **chosen}).full(program.cost)

    return _compiled(jax.grad(cost), {n: np.asarray(values[n], dtype=float) for n in wanted})
