"""Random networks of layers wide enough for strips, teams and products in tiles.

The random equations beside this have axes of a few elements; these have 17 to 40: layers with
biases or none, with what skips them, with shared and turned weights, several inputs, inputs without
examples, tensors of rank 3, penalties.
"""

import random

import symbp as bp
from symbp.networks.optimizers import Optimizer
from symbp.notation.tensor import Tensor

__all__ = ["random_layers"]

EXTENTS = [[17, 18], [20, 33], [3, 20], [17, 40, 5]]
# Examples and batch: a short last one, several strips, a batch larger than the data.
SIZES = [(5, 3), (23, 9), (4, 7), (11, 5)]


def random_layers(seed: int) -> tuple[bp.Program, Optimizer, tuple[int, int]]:
    """Return a program, an optimizer, and the numbers of examples and of those of a batch."""
    chosen = random.Random(seed)
    builder = _Builder(chosen)
    program = builder.program()
    optimizer = chosen.choice(
        [bp.SGD(0.05), bp.Momentum(0.05), bp.Nesterov(0.05), bp.Adam(0.01), bp.RMSProp(0.01)]
    )
    return program, optimizer, chosen.choice(SIZES)


class _Builder:
    def __init__(self, chosen: random.Random) -> None:
        self.random = chosen
        self.extents = chosen.choice(EXTENTS)
        self.equations: list[bp.Equation] = []
        self.weights: list[Tensor] = []
        self.pool: list[Tensor] = []
        self.count = 0

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def name(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    def axis(self) -> bp.Index:
        return bp.Index(self.random.choice("ijkl"), self.random.choice(self.extents))

    def weight(self, *indices: bp.Index) -> Tensor:
        """Return a parameter of a shape, an earlier one now and then, or an input of that shape."""
        shape = tuple(index.extent for index in indices)
        same = [tensor for tensor in self.weights if tensor.shape == shape]
        if same and self.chance(0.35):
            return self.random.choice(same)
        axes = [bp.Index("p", extent) for extent in shape]
        if self.chance(0.9):
            self.weights.append(bp.parameter(self.name("P"), *axes))
        else:
            self.weights.append(bp.input(self.name("R"), *axes))
        return self.weights[-1]

    def program(self) -> bp.Program:
        n = bp.Index("n", "N")
        for number in range(self.random.randint(1, 3)):
            axes = [self.axis() for _ in range(self.random.choice([1, 1, 1, 2]))]
            kind, stem = (bp.input, "x") if not number or self.chance(0.7) else (bp.target, "y")
            self.pool.append(kind(self.name(stem), n, *axes))
        layers = self.random.randint(2, 5)
        while layers > 0 or all(weight.role == "input" for weight in self.weights):
            recent = self.pool[-3:] if self.chance(0.7) else self.pool
            self.pool.append(self.layer(self.random.choice(recent)))
            layers -= 1
        C = bp.tensor("C")
        return bp.Program([*self.equations, bp.Equation(C, self.cost())], cost=C)

    def layer(self, source: Tensor) -> Tensor:
        n = bp.Index("n", "N")
        axes = [bp.Index("abcde"[place], extent) for place, extent in enumerate(source.shape[1:])]
        if self.chance(0.25):
            z = bp.tensor(self.name("t"), n, *axes)
            shape = self.random.choice([bp.tanh, bp.sigmoid, lambda u: 2 * u + 1])
            body = shape(source[(n, *axes)])
            if self.chance(0.3):
                body = body + self.weight(*axes)[tuple(axes)]
            self.equations.append(bp.Equation(z[(n, *axes)], body))
            return z
        summed = axes if len(axes) == 1 or self.chance(0.8) else axes[-1:]
        out = [self.axis()] if self.chance(0.85) else [self.axis(), self.axis()]
        indices = [*summed, *out] if self.chance(0.3) else [*out, *summed]
        W = self.weight(*indices)
        place = (n, *(axis for axis in axes if axis not in summed), *out)
        body = bp.Sum(W[tuple(indices)] * source[(n, *axes)], *summed)
        for _ in range(self.random.choice([0, 1, 1, 1, 2])):
            body = self.with_addend(body, place, out)
        z = bp.tensor(self.name("z"), *place)
        self.equations.append(bp.Equation(z[place], body))
        return z

    def with_addend(self, body: object, place: tuple[bp.Index, ...], out: list[bp.Index]) -> object:
        shape = tuple(index.extent for index in place[1:])
        alike = [tensor for tensor in self.pool if tensor.shape[1:] == shape]
        if alike and self.chance(0.3):
            return body + self.random.choice(alike)[place]  # type: ignore[operator]
        axes = out if self.chance(0.8) else list(place[1:])
        addend = self.weight(*axes)[tuple(axes)]
        return body + addend if self.chance(0.8) else body - addend  # type: ignore[operator]

    def cost(self) -> object:
        read = {element.tensor for equation in self.equations for element in equation.reads()}
        cost: object = 0
        for tensor in self.pool:
            if tensor in read or tensor.role != "intermediate":
                continue
            n = bp.Index("n", "N")
            axes = [
                bp.Index("abcde"[place], extent) for place, extent in enumerate(tensor.shape[1:])
            ]
            value = tensor[(n, *axes)]
            cost = cost + bp.Mean(bp.tanh(value) ** 2 + value, n, *axes)  # type: ignore[operator]
        for weight in self.weights:
            if weight in read and weight.role == "parameter" and self.chance(0.4):
                axes = [bp.Index("p", extent) for extent in weight.shape]
                cost = cost + bp.Sum(weight[tuple(axes)] ** 2, *axes) / 2  # type: ignore[operator]
        return cost
