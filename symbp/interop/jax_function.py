"""A network as a function of JAX's arrays, with its gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np

from symbp.interop.differentiable import Differentiable
from symbp.notation.program import Program

__all__ = ["to_jax"]


def to_jax(program: Program, dtype: str = "float32") -> Callable[..., Any]:
    """Return the output of a network as a function that JAX differentiates through.

    Inside of ``jax.jit`` too: it is called back on the host, in the functions that
    :func:`symbp.compile` makes. It has a reverse mode of first order: ``jax.grad`` and
    ``jax.vjp``, not ``jax.jvp``.

    Parameters
    ----------
    program : Program
        A network, or your own equations with a cost and an output.
    dtype : {"float32", "float64"}
        What is computed in, and what it returns; with ``"float64"``, JAX's ``jax_enable_x64`` is
        to be set.

    Returns
    -------
    function
        Of the parameters (a dict of arrays, or a sequence in the module's order) and of the
        inputs. Its attribute ``module`` is the compiled module.

    Raises
    ------
    SymbpError
        From the function, in one line: other parameters or inputs.

    Examples
    --------
    >>> import jax, jax.numpy as jnp, symbp as bp
    >>> from symbp.interop import to_jax
    >>> network = to_jax(bp.mlp(3, 8, 2, activation="tanh"))
    >>> weights = list(network.module.initial_parameters(seed=0))
    >>> cost = lambda weights, x: jnp.sum(network(weights, jnp.sin(x)) ** 2)
    >>> gradient = jax.jit(jax.grad(cost))(weights, jnp.ones((5, 3)))
    >>> [each.shape for each in gradient]
    [(8, 3), (8,), (2, 8), (2,)]
    """
    import jax
    import jax.numpy as jnp

    made = Differentiable(program, dtype)

    def shaped(like: Any) -> Any:
        return jax.ShapeDtypeStruct(jnp.shape(like), made.dtype)

    def called(function: Callable[..., Any], shapes: Any, *arguments: Any) -> Any:
        def on_host(*arrays: Any) -> Any:
            return function(*jax.tree.map(np.asarray, arrays))

        return jax.pure_callback(on_host, shapes, *arguments, vmap_method="sequential")

    def value(parameters: Any, inputs: Any) -> Any:
        shape = made.output_shape([jnp.shape(x) for x in inputs])
        return called(made.value, jax.ShapeDtypeStruct(shape, made.dtype), parameters, inputs)

    def forward(parameters: Any, inputs: Any) -> Any:
        return value(parameters, inputs), (parameters, inputs)

    def backward(kept: Any, weight: Any) -> Any:
        parameters, inputs = kept
        shapes = [shaped(each) for each in parameters]
        first = called(made.parameter_adjoints, shapes, parameters, inputs, weight)
        real = [x for x, is_real in zip(inputs, made.is_real, strict=True) if is_real]
        second = iter(
            called(made.input_adjoints, [shaped(x) for x in real], parameters, inputs, weight)
            if real
            else ()
        )
        # Whole numbers have a gradient of a type of its own, which holds nothing.
        nothing = jax.dtypes.float0
        adjoints = [
            next(second) if is_real else np.zeros(jnp.shape(x), nothing)
            for x, is_real in zip(inputs, made.is_real, strict=True)
        ]
        return _as(first, parameters), _as(adjoints, inputs)

    def _as(found: Any, like: Any) -> Any:
        return [
            each if each.dtype == jax.dtypes.float0 else each.astype(jnp.result_type(other))
            for each, other in zip(found, like, strict=True)
        ]

    output = jax.custom_vjp(value)
    output.defvjp(forward, backward)

    def network(parameters: Any, *inputs: Any) -> Any:
        made.check_inputs(inputs)
        made.output_shape([jnp.shape(x) for x in inputs])  # JAX would add to what is wrong
        return output(made.parameters(parameters), list(inputs))

    network.module = made.module  # type: ignore[attr-defined]
    return network
