"""Random programs in which noise of random laws is read: other programs, with noise added."""

import random
from typing import Any

import symbp as bp
from tests.random_equations import random_equations, random_recurrence

LAWS: tuple[dict[str, Any], ...] = (
    {"law": "normal"},
    {"law": "normal", "mean": -0.5, "scale": 0.25},
    {"law": "uniform"},
    {"law": "uniform", "low": -1.5, "high": 0.5},
    {"law": "bernoulli"},
    {"law": "bernoulli", "probability": 0.9},
)


def noisy(program: bp.Program, seed: int) -> bp.Program:
    """Return a program with noise in most equations, added or as a factor, sometimes both."""
    drawn = random.Random(seed)
    equations = []
    for equation in program.equations:
        body = equation.body
        # Noise may have an element for each of the left-hand side's, or for some axes only.
        indices = [index for index in equation.lhs.args if drawn.random() < 0.8]
        plain = all(isinstance(index, bp.Index) for index in indices)
        if not equation.lhs.is_plain or not plain or drawn.random() < 0.2:
            equations.append(equation)
            continue
        first = [index for index in indices if not isinstance(index.extent, int)]
        places = (*first, *(index for index in indices if index not in first))
        for way in range(2):
            e = bp.noise(f"e{way}_{equation.tensor.name}", *places, **drawn.choice(LAWS))
            if drawn.random() < 0.6:
                body = body + e.element / 4 if way else body * (1 + e.element / 4)
        equations.append(equation.replace(body=body))
    return bp.Program(equations, cost=program.cost)


def noisy_example(name: str) -> bp.Program:
    """Return a random program with noise by its name, such as ``"recurrence 3"``."""
    kind, number = name.split()
    made = (random_equations if kind == "equations" else random_recurrence)(int(number))
    return noisy(made.program, int(number))
