"""What is asked for each example of a program that draws: its noise is that of the batch."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import symbp as bp
from symbp.entries.registry import ENTRIES
from symbp.gallery import variational_autoencoder
from symbp.loops.build import build
from tests.comparison import assert_close
from tests.loops.running import all_values, contracted, expected, model_of, run

jax.config.update("jax_enable_x64", True)
n, j, k = bp.indices("n j k", "N", 3, 2)


def noisy(at_inference: str = "mean") -> bp.Program:
    x, y = bp.input("x", n, k), bp.target("y", n)
    W, v, C = bp.parameter("W", j, k), bp.parameter("v", j), bp.tensor("C")
    a, z = bp.tensor("a", n, j), bp.tensor("z", n)
    law = {"law": "bernoulli", "probability": 0.6, "at_inference": at_inference}
    keep = bp.noise("keep", n, j, **law)
    shake = bp.noise("shake", j, k, at_inference=at_inference)
    equations = [
        bp.Equation(a[n, j], bp.tanh(bp.Sum((W[j, k] + 0.1 * shake[j, k]) * x[n, k], k))),
        bp.Equation(z[n], bp.Sum(v[j] * a[n, j] * keep[n, j], j)),
        bp.Equation(C, bp.Mean((z[n] - y[n]) ** 2, n)),
    ]
    return bp.Program(equations, cost=C, output=z)


def values(program: bp.Program, rows: int = 4) -> dict[str, Any]:
    generator = np.random.default_rng(1)
    tensors = (*program.parameters, *program.inputs, *program.targets)
    return {
        t.name: generator.normal(size=[e if isinstance(e, int) else rows for e in t.shape])
        for t in tensors
    }


def output(v: dict[str, Any], row: int) -> Any:
    """Return the output of one example in JAX."""
    a = jnp.tanh((v["W"] + 0.1 * v["shake"]) @ v["x"][row])
    return v["v"] @ (a * v["keep"][row])


@pytest.mark.parametrize("step", [0, 3])
def test_the_gradient_of_each_example_is_that_of_its_term(step: int) -> None:
    program = noisy()
    entry = ENTRIES["per_example_gradients"](model_of(program))
    given = all_values(entry, values(program))
    key = next(slot.tensors for slot in entry.slots if slot.name == "noise")
    given[key[3].name] = np.array(float(step))
    (found,) = expected(entry, given).values()
    v = {**given, **bp.replayed(program, rows=4, step=step)}
    for row in range(4):
        gradient = jax.grad(lambda c, r=row: (output({**v, **c}, r) - v["y"][r]) ** 2)(
            {"W": v["W"], "v": v["v"]}
        )
        answer = np.concatenate([gradient["W"].ravel(), gradient["v"]])
        assert_close({"row": found[row]}, {"row": answer}, 1e-12)


def test_the_jacobian_of_each_example_where_noise_is_drawn_in_use() -> None:
    program = noisy("drawn")
    entry = ENTRIES["input_jacobian"](model_of(program))
    given = all_values(entry, values(program))
    (found,) = expected(entry, given).values()
    v = {**given, **bp.replayed(program, rows=4)}
    for row in range(4):
        answer = jax.jacobian(lambda x: output({**v, "x": x}, row))(v["x"])[row]  # noqa: B023
        assert_close({"row": found[row].ravel()}, {"row": answer}, 1e-12)


def test_of_an_autoencoder_they_have_the_gradient_for_their_mean() -> None:
    program = variational_autoencoder(5, 4, 2)
    model = model_of(program)
    entry = ENTRIES["per_example_gradients"](model)
    given = all_values(entry, values(program))
    (rows,) = expected(entry, given).values()
    whole = ENTRIES["gradient"](model)
    found = expected(whole, all_values(whole, given))
    flat = np.concatenate([found[f"{p.name}_adjoint"].ravel() for p in program.parameters])
    assert_close({"mean": rows.mean(0)}, {"mean": flat}, 1e-12)


def test_its_loop_program_computes_the_same() -> None:
    program = noisy()
    entry = contracted(ENTRIES["per_example_gradients"](model_of(program)))
    given = all_values(entry, values(program))
    assert_close(run(entry, build(entry), given), expected(entry, given))
