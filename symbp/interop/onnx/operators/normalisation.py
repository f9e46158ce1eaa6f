"""Normalisations, softmax and costs of classes."""

from collections.abc import Sequence
from typing import Any

import sympy

from symbp.interop.onnx.call import Call, operator, reduced
from symbp.interop.onnx.operators.indexing import data
from symbp.notation.elementary_functions import round as nearest
from symbp.notation.functions import maximum, where
from symbp.notation.index import Index
from symbp.notation.reductions import Max, Mean, Sum, log_softmax, softmax
from symbp.notation.standard import Abs, sqrt
from symbp.notation.tensor import Tensor

__all__: list[str] = []


@operator("Softmax", "LogSoftmax", "Hardmax")
def softmaxes(call: Call) -> None:
    """Normalise over one axis; before version 13, over all axes from one on."""
    rank = call.rank(0)
    indices = call.indices(call.shape(0))
    axis = call.axis(call.attribute("axis", -1 if call.opset >= 13 else 1), rank)
    over = [indices[axis]] if call.opset >= 13 else indices[axis:]
    x = call.at(0, indices)
    if call.operator == "Hardmax":
        _hardmax(call, indices, axis)
        return
    call.define(indices, (softmax if call.operator == "Softmax" else log_softmax)(x, *over))


def _hardmax(call: Call, indices: list[Index], axis: int) -> None:
    rest = [index for place, index in enumerate(indices) if place != axis]
    k = Index("k", call.size(0, axis))
    best = call.define(
        rest,
        reduced(Max, call.at(0, [k if p == axis else i for p, i in enumerate(indices)]), k),
        None,
        "best",
    )
    # The first of those that are equal.
    hit = sympy.Eq(
        call.at(0, [k if p == axis else i for p, i in enumerate(indices)]), best[tuple(rest)]
    )
    first = call.define(rest, -reduced(Max, where(hit, -k, -k.extent), k), None, "first")
    call.define(indices, where(sympy.Eq(indices[axis], first[tuple(rest)]), 1, 0))


def _standardised(
    call: Call, indices: list[Index], over: Sequence[int], epsilon: float, part: str = ""
) -> tuple[Any, Tensor, Tensor]:
    """Return values without their mean, over their standard deviation; and both of those."""
    kept = [index for place, index in enumerate(indices) if place not in over]
    bound = [indices[place] for place in over]
    x = call.at(0, indices)
    mean = call.define(kept, reduced(Mean, x, *bound), None, f"{part}mean")
    centred = x - mean[tuple(kept)]
    variance = call.define(kept, reduced(Mean, centred**2, *bound), None, f"{part}variance")
    return centred / sqrt(variance[tuple(kept)] + epsilon), mean, variance


@operator("BatchNormalization")
def batch_normalization(call: Call) -> None:
    """Normalise with the statistics of the file."""
    if call.attribute("training_mode", 0):
        raise call.refuse("training_mode: bp.BatchNorm1d and bp.BatchNorm2d are trained")
    indices = call.indices(call.shape(0))
    scale, shift, mean, variance = (call.element(place, [indices[1]]) for place in range(1, 5))
    centred = call.at(0, indices) - mean
    epsilon = call.attribute("epsilon", 1e-5)
    call.define(indices, scale * centred / sqrt(variance + epsilon) + shift)


@operator("LayerNormalization", "RMSNormalization")
def layer_normalization(call: Call) -> None:
    """Normalise over all axes from one on."""
    rank = call.rank(0)
    axis = call.axis(call.attribute("axis", -1), rank)
    epsilon = call.attribute("epsilon", 1e-5)
    indices = call.indices(call.shape(0))
    over = range(axis, rank)
    if call.operator == "RMSNormalization":
        kept, bound = indices[:axis], indices[axis:]
        x = call.at(0, indices)
        square = call.define(kept, reduced(Mean, x**2, *bound), None, "mean_square")
        body = x / sqrt(square[tuple(kept)] + epsilon) * call.at(1, indices)
        call.define(indices, body)
        return
    body, mean, variance = _standardised(call, indices, over, epsilon)
    for output, tensor in ((1, mean), (2, variance)):
        if output < len(call.outputs) and call.outputs[output]:
            kept = [
                Index("o", 1) if p >= axis else i for p, i in enumerate(call.indices(call.shape(0)))
            ]
            value = tensor[tuple(kept[:axis])]
            call.define(kept, value if output == 1 else 1 / sqrt(value + epsilon), output)
    body = body * call.at(1, indices)
    call.define(indices, body + call.at(2, indices) if call.has(2) else body)


@operator("InstanceNormalization")
def instance_normalization(call: Call) -> None:
    """Normalise over the places of each channel of each example."""
    indices = call.indices(call.shape(0))
    over = range(2, call.rank(0))
    body, _, _ = _standardised(call, indices, over, call.attribute("epsilon", 1e-5))
    channel = [indices[1]]
    call.define(indices, call.element(1, channel) * body + call.element(2, channel))


@operator("GroupNormalization")
def group_normalization(call: Call) -> None:
    """Normalise over the channels of a group and all places."""
    groups, channels = call.attribute("num_groups"), call.size(0, 1)
    n, *inner = call.indices([call.shape(0)[0], *call.shape(0)[2:]])
    g, c = call.indices([groups, channels // groups])
    channel = c + channels // groups * g
    x = call.element(0, [n, channel, *inner])
    mean = call.define([n, g], reduced(Mean, x, c, *inner), None, "mean")
    centred = x - mean[n, g]
    variance = call.define([n, g], reduced(Mean, centred**2, c, *inner), None, "variance")
    body = centred / sqrt(variance[n, g] + call.attribute("epsilon", 1e-5))
    own = [g] if call.shape(1)[0] == groups and groups != channels else [channel]
    value = call.element(1, own) * body + call.element(2, own)
    call.define([n, channel, *inner], value, shape=call.shape(0))


@operator("MeanVarianceNormalization")
def mean_variance_normalization(call: Call) -> None:
    """Normalise over given axes."""
    indices = call.indices(call.shape(0))
    over = [call.axis(axis, len(indices)) for axis in call.attribute("axes", [0, 2, 3])]
    body, _, variance = _standardised(call, indices, over, 0.0)
    kept = tuple(index for place, index in enumerate(indices) if place not in over)
    centred = body * sqrt(variance[kept])
    call.define(indices, centred / (sqrt(variance[kept]) + 1e-9))


@operator("LpNormalization")
def lp_normalization(call: Call) -> None:
    """Divide each row by its norm; a row of 0 stays."""
    indices = call.indices(call.shape(0))
    axis = call.axis(call.attribute("axis", -1), len(indices))
    kept = [index for place, index in enumerate(indices) if place != axis]
    x = call.at(0, indices)
    square = call.attribute("p", 2) == 2
    size: Any = (
        sqrt(reduced(Sum, x**2, indices[axis])) if square else reduced(Sum, Abs(x), indices[axis])
    )
    norm = call.define(kept, size, None, "norm")[tuple(kept)]
    call.define(indices, where(norm > 0, x / norm, 0))


@operator("LRN")
def lrn(call: Call) -> None:
    """Divide each value by a power of the squares of channels around it."""
    n, c, *inner = call.indices(call.shape(0))
    size, channels = call.attribute("size"), call.size(0, 1)
    p = Index("p", size)
    place = c + p - (size - 1) // 2
    x = call.element(0, [n, place, *inner])
    square = reduced(Sum, where(sympy.And(place >= 0, place < channels), x**2, 0), p)
    total = call.define([n, c, *inner], square, None, "squares")
    scale = (
        call.attribute("bias", 1.0) + call.attribute("alpha", 1e-4) / size * total[(n, c, *inner)]
    )
    body = call.element(0, [n, c, *inner]) / scale ** call.attribute("beta", 0.75)
    call.define([n, c, *inner], body)


@operator("SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss")
def class_loss(call: Call) -> None:
    """Define a cost of classes, each with a weight, one of them perhaps ignored."""
    n, c, *inner = call.indices(call.shape(0))
    labels = data(call, 1)
    if labels is None:
        raise call.refuse("labels that are known are not read")
    label = labels([n, *inner])
    source = call.given(0)
    if call.operator == "SoftmaxCrossEntropyLoss":
        logs = log_softmax(call.element(0, [n, c, *inner]), c)
        wanted = len(call.outputs) > 1 and bool(call.outputs[1])
        source = call.define([n, c, *inner], logs, 1 if wanted else None, "log_probabilities")
    read = (
        source[(n, label, *inner)]
        if isinstance(source, Tensor)
        else call.element(0, [n, label, *inner])
    )
    weight = call.tensor(2)[label] if call.has(2) else sympy.S.One
    ignored = call.attribute("ignore_index")

    def counted(value: Any) -> Any:
        return value if ignored is None else where(sympy.Ne(label, ignored), value, 0)

    mode = call.attribute("reduction", "mean")
    if mode == "none":
        call.define([n, *inner], counted(-weight * read))
        return
    total = reduced(Sum, counted(-weight * read), n, *inner)
    if mode == "mean":
        total = (
            total / reduced(Sum, counted(weight), n, *inner)
            if call.has(2) or ignored is not None
            else (reduced(Mean, counted(-weight * read), n, *inner))
        )
    call.define([], total)


@operator("QuantizeLinear")
def quantize(call: Call) -> None:
    """Round to a whole number of steps, between the ends of a type of 8 or 16 bits."""
    zero = call.given(2) if call.has(2) else None
    kind = call.attribute("zero_point_kind")
    limits = {2: (0, 255), 3: (-128, 127), 4: (0, 65535), 5: (-32768, 32767)}
    if kind not in limits or call.attribute("block_size", 0):
        raise call.refuse("a type of other than 8 or 16 bits, or blocks, are not read")
    indices = call.indices(call.shape(0))
    axis = call.axis(call.attribute("axis", 1), call.rank(0))
    own = [indices[axis]] if call.rank(1) else []
    low, high = limits[kind]
    steps = nearest(call.at(0, indices) / call.element(1, own))
    shifted = steps if zero is None else steps + call.element(2, own)
    top = where(shifted > high, high, shifted)
    call.define(indices, maximum(top, low))
