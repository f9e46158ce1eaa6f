"""Networks: layers in a row, a cost and its penalties, put together into a program."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from typing import Any

import sympy

from symbp.networks.activations import ActivationFunction, activation
from symbp.networks.costs import Cost, CostFunction, cost
from symbp.networks.example_weights import weighted
from symbp.networks.layers import Activation, Dense, Layer
from symbp.networks.options import checked_options, checked_size, shorthand_sizes
from symbp.networks.penalties import Penalty, checked_penalties
from symbp.networks.shapes import checked_flag, checked_sizes
from symbp.networks.stack import checked_layers, name_of, source_kinds, stacked
from symbp.notation.arithmetic import Plus
from symbp.notation.collected import terms
from symbp.notation.declarations import input as input_tensor
from symbp.notation.declarations import target as target_tensor
from symbp.notation.declarations import tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.index import Index
from symbp.notation.program import Program
from symbp.notation.reductions import softmax
from symbp.notation.tensor import Element, Tensor

__all__ = ["Network", "mlp"]


class Network(Program):
    """A feed-forward network: a program whose equations come from layers.

    Parameters
    ----------
    layers : sequence of Layer
        In order from the input: layers of the library, any object with a method
        ``equations(source, number)``, or a function of these two.
    input : int or tuple of int or dict
        The number of inputs, ``x`` being of shape (N, input); or the shape of an example, such as
        ``(1, 28, 28)``, in which a name stands for a size that the arrays tell, as in ``("T", 8)``
        for sequences of any length; or a number or shape for each of several inputs, by name,
        which `Concatenate` takes first.
    loss : str or callable, default "quadratic"
        ``quadratic``, ``mean_squared_error``, ``cross_entropy`` (of sigmoid outputs),
        ``binary_cross_entropy`` or ``softmax_cross_entropy`` (of logits); or a function of the
        output and the target, two tensors, that returns a scalar expression.
    penalty : L1 or L2 or a list of them, optional
        Added to the cost.
    sample_weight : bool, default False
        Whether what each example adds to the cost is multiplied by a weight, an array of shape
        (N,): ``fit(x, y, sample_weight=w)``, by default 1. A mean is still one over N.
    name : str, optional
        Printed in the heading of what is generated.

    Raises
    ------
    SymbpError
        A layer, activation, cost or option is unknown, or a size is not a positive int.

    Examples
    --------
    >>> import symbp as bp
    >>> network = Network([Dense(3, "tanh"), Dense(2)], input=4, loss="softmax_cross_entropy")
    >>> network
    <Network 4-3-2: tanh, identity; softmax_cross_entropy; 23 parameters>
    >>> print(network)
    z1[n, j] = Sum(W1[j, k]*x[n, k], k) + b1[j]
    a1[n, j] = tanh(z1[n, j])
    z2[n, j] = Sum(W2[j, k]*a1[n, k], k) + b2[j]
    a2[n, j] = exp(z2[n, j] - LogSumExp(z2[n, j], j))
    C = -Sum(y[n, j]*(z2[n, j] - LogSumExp(z2[n, j], j)), n, j)/N
    """

    layers: tuple[Layer, ...]
    loss: str
    name: str | None

    @checked_options
    def __init__(
        self,
        layers: Sequence[Layer],
        *,
        input: int | Sequence[int | str] | Mapping[str, int | Sequence[int | str]],
        loss: str | CostFunction = "quadratic",
        penalty: Penalty | Sequence[Penalty] | None = None,
        sample_weight: bool = False,
        name: str | None = None,
    ) -> None:
        checked_flag("Network sample_weight", sample_weight)
        record, stack = cost(loss), checked_layers("Network", layers)
        penalties = checked_penalties(penalty)
        sources = _inputs(input, stack)
        source = sources[0] if len(sources) == 1 else sources
        equations, output, _ = stacked(stack, source, 0)
        if not any(e.tensor.role == "parameter" for eq in equations for e in eq.reads()):
            raise SymbpError(
                "Network: no layer has parameters; expected at least one bp.Dense(units)"
            )
        _check_output(record, equations, output)
        y = record.target(output)
        if record.softmax:
            equations.append(_softmax_of(output))
        of_cost, body = record.parts(output, y)
        equations += of_cost
        _check_target(record, of_cost, body, output, y)
        if sample_weight:
            n = output.indices[0]
            w = target_tensor("sample_weight", n, symbol=r"\omega", kind="weight")
            body = weighted(body, n, w, record.name)
        weights = _weights(equations)
        for term in penalties:
            body = Plus(*terms(body), *terms(term.term(weights)))
        C = tensor("C")
        super().__init__([*equations, Equation(C, body)], cost=C, output=output)
        object.__setattr__(self, "layers", stack)
        object.__setattr__(self, "loss", record.name)
        object.__setattr__(self, "name", name)

    @property
    def sizes(self) -> tuple[int, ...]:
        """The number of inputs (an axis), then the units of each dense layer."""
        units = (layer.units for layer in self.layers if isinstance(layer, Dense))
        return (*(e for e in self.inputs[0].shape[1:] if isinstance(e, int)), *units)

    def replace(self, **changes: Any) -> Program:
        """Return a program with some fields changed: it has equations only, no layers."""
        kept = {field.name: getattr(self, field.name) for field in fields(Program)}
        return Program(**{**kept, "derived": True, **changes})

    def title(self, output_function: str = "") -> str:
        """Return its sizes, layers and cost; ``softmax`` is the last layer's where the cost is."""
        labels = [_layer_label(layer) for layer in self.layers]
        if output_function and labels[-1] in ("identity", "linear"):
            labels[-1] = output_function
        return self._named(labels)

    def __repr__(self) -> str:
        return f"<{self._named(map(_layer_label, self.layers))}>"

    def _named(self, labels: Iterable[str]) -> str:
        layers = ", ".join(labels)
        count = sum(sympy.prod(parameter.shape) for parameter in self.parameters)
        name = f" {self.name!r}" if self.name else ""
        plain = all(isinstance(layer, (Dense, Activation)) for layer in self.layers)
        if plain and len(self.inputs) == 1:
            sizes = "-".join(map(str, self.sizes))
        else:
            sizes = ", ".join("×".join(map(str, x.shape[1:])) for x in self.inputs)
        return f"Network{name} {sizes}: {layers}; {self.loss}; {count} parameters"


@checked_options
def mlp(
    *sizes: int | str,
    activation: str | ActivationFunction = "sigmoid",
    loss: str | CostFunction = "quadratic",
    output: str | ActivationFunction | None = None,
    penalty: Penalty | Sequence[Penalty] | None = None,
    sample_weight: bool = False,
    name: str | None = None,
) -> Network:
    """Return a fully connected network from its layer sizes.

    Parameters
    ----------
    *sizes : int
        The number of inputs, then the units of each layer; or one text such as ``"784-30-10"``.
    activation : str or callable, default "sigmoid"
        The activation of every layer: the output's too for the costs ``quadratic`` and
        ``cross_entropy``; for the others the last layer is linear.
    loss : str or callable, default "quadratic"
        See :class:`Network`.
    output : str or callable, optional
        The activation of the last layer, when it is another.
    penalty : L1 or L2 or a list of them, optional
        Added to the cost.
    sample_weight : bool, default False
        Whether each example has a weight; see :class:`Network`.
    name : str, optional
        Printed in the heading of what is generated.

    Returns
    -------
    Network
        Its parameters are ``W1, b1, W2, b2, …``, with ``W`` of shape (units, inputs).

    Raises
    ------
    SymbpError
        Fewer than two sizes, one that is not a positive int, or an unknown name.

    Examples
    --------
    >>> mlp(784, 30, 10, activation="sigmoid", loss="quadratic")
    <Network 784-30-10: sigmoid, sigmoid; quadratic; 23860 parameters>
    """
    if len(sizes) == 1 and isinstance(sizes[0], str):
        sizes = shorthand_sizes(sizes[0]) or sizes
    if len(sizes) < 2:
        raise SymbpError(
            f"mlp: expected the number of inputs and of each layer's units, such as "
            f"mlp(784, 30, 10), got mlp({', '.join(map(repr, sizes))})"
        )
    inputs, *units = (checked_size("mlp size", size) for size in sizes)
    if output is None:
        output = activation if cost(loss).activates_output else "identity"
    layers = [*(Dense(u, activation) for u in units[:-1]), Dense(units[-1], output)]
    return Network(
        layers, input=inputs, loss=loss, penalty=penalty, sample_weight=sample_weight, name=name
    )


def _inputs(shapes: object, layers: tuple[Layer, ...]) -> tuple[Tensor, ...]:
    """Return the tensors that a network reads, one for each shape."""
    if not isinstance(shapes, Mapping):
        (kind,) = source_kinds(layers, 1)
        return (input_tensor("x", *_axes("input", shapes), symbol="a", label=1, kind=kind),)
    if not shapes:
        raise SymbpError("Network input: expected a shape for each name, got {}")
    kinds = source_kinds(layers, len(shapes))
    return tuple(
        input_tensor(name, *_axes(f"input {name}", shape), kind=kind)
        for (name, shape), kind in zip(shapes.items(), kinds, strict=True)
    )


def _axes(what: str, shape: object) -> tuple[Index, ...]:
    """Return the indices of an input, that of the examples first."""
    if not isinstance(shape, (tuple, list)):
        return Index("n", "N"), Index("k", checked_size(f"Network {what}", shape))
    if "N" in shape:
        raise SymbpError(
            f"Network {what}: N is the number of examples, which is not part of the shape of one; "
            f"expected another name such as 'T' for a size that the arrays tell, got {shape!r}"
        )
    # A name is a size that the arrays tell.
    named = tuple(1 if isinstance(size, str) and size.isidentifier() else size for size in shape)
    checked = checked_sizes(f"Network {what}", named, len(shape))
    sizes = [s if isinstance(s, str) else c for s, c in zip(shape, checked, strict=True)]
    names = _AXES.get(len(sizes)) or [f"i{axis}" for axis in range(1, len(sizes) + 1)]
    return Index("n", "N"), *(Index(name, size) for name, size in zip(names, sizes, strict=True))


# A vector, a sequence of vectors, a picture: how the axes of an input print.
_AXES: dict[int, str] = {1: "k", 2: "tk", 3: "chw"}


def _check_output(record: Cost, equations: list[Equation], output: Tensor) -> None:
    if record.output_activation is None:
        return
    body = next(equation.body for equation in equations if equation.tensor is output)
    if not isinstance(body, activation(record.output_activation)):  # type: ignore[arg-type]
        raise SymbpError(
            f"loss {record.name!r} needs a {record.output_activation} output, the last layer "
            f"computes {body}; for a linear output use 'binary_cross_entropy'"
        )


def _check_target(
    record: Cost, of_cost: list[Equation], body: object, output: Tensor, y: Tensor
) -> None:
    if not isinstance(body, sympy.Basic):
        return  # the cost's equation says what is wrong with it
    read = {element.tensor for element in body.atoms(Element)} | body.atoms(Tensor)
    read |= {element.tensor for equation in of_cost for element in equation.reads()}
    if y not in read:
        raise SymbpError(
            f"loss {record.name}: it does not read the target, its second argument; compare "
            f"{output.name} with it, or write a cost without a target as a bp.Program"
        )


def _softmax_of(z: Tensor) -> Equation:
    """Return ``a = softmax(z)``: no cost needs it, but derivations print ``δ = a - y`` by it."""
    name = f"a{z.name[1:]}" if z.symbol == "z" else f"{z.name}_softmax"
    a = tensor(name, *z.indices, symbol="a" if z.symbol == "z" else "p", label=z.label)
    return Equation(a.element, softmax(z.element, z.indices[-1]))


def _weights(equations: list[Equation]) -> list[Tensor]:
    """Return the parameters with two axes or more, in the order in which they were declared."""
    found = {element.tensor for equation in equations for element in equation.reads()}
    weights = [t for t in found if t.role == "parameter" and t.rank > 1]
    return sorted(weights, key=lambda t: t.serial)


def _layer_label(layer: Layer) -> str:
    if isinstance(layer, Dense):
        return _label(layer.activation)
    return _label(layer.function) if isinstance(layer, Activation) else name_of(layer)


def _label(function: str | ActivationFunction) -> str:
    return function if isinstance(function, str) else getattr(function, "__name__", "own")
