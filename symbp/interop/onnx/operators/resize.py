"""Resizing: along each axis a product with a matrix of weights, which depends on no data."""

import math
from typing import Any

import numpy as np

from symbp.interop.onnx.call import Call, array_of, identifier, operator, reduced
from symbp.interop.onnx.evaluated import evaluated
from symbp.notation.index import Index
from symbp.notation.naming import fresh_name
from symbp.notation.reductions import Sum

__all__: list[str] = []


@operator("Resize", "Upsample")
def resize(call: Call) -> None:
    """Change the resolution: along each axis, a product with a matrix of weights."""
    rank = call.rank(0)
    if call.attribute("extrapolation_value", 0.0):
        raise call.refuse("extrapolation_value: expected 0")
    axes = [call.axis(axis, rank) for axis in call.attribute("axes") or range(rank)]
    place = 1 if len(call.inputs) < 3 else 2
    scales = call.attribute("scales") or call.known(place)
    sizes = call.whole_numbers(3)
    region = call.known(1) if call.has(1) and len(call.inputs) > 2 else None
    shape, weights = [*call.shape(0)], {}
    found = _resolutions(call, axes, scales, sizes)
    for position, axis in enumerate(axes):
        scale, size = found[position]
        if call.shape(0)[axis] == size and scale == 1 and region is None:
            continue
        roi = None
        if region is not None and np.asarray(region).size:
            roi = np.asarray(region).reshape(2, -1)[:, position]
        weights[axis] = _weights(call, call.size(0, axis), scale, size, roi)
        shape[axis] = weights[axis].shape[0]
    inner = call.indices(call.shape(0))
    left = [Index(f"{i.name}0", shape[a]) if a in weights else i for a, i in enumerate(inner)]
    body = call.element(0, inner)
    for axis, matrix in weights.items():
        name = fresh_name(f"{identifier(call.outputs[0])}_weights", call.names)
        made = array_of(name, matrix, trainable=False)
        body = made[left[axis], inner[axis]] * body
    summed = [inner[axis] for axis in weights]
    call.define(left, reduced(Sum, body, *summed) if summed else body)


def _resolutions(call: Call, axes: list[int], scales: Any, sizes: Any) -> list[tuple[float, Any]]:
    """Return the factor and the new size of each axis."""
    old = [call.shape(0)[axis] for axis in axes]
    if sizes is None:
        factors = [float(each) for each in scales]
        new = [e if f == 1 else math.floor(e * f) for e, f in zip(old, factors, strict=True)]
        return list(zip(factors, new, strict=True))
    factors = [1.0 if n == o else n / o for n, o in zip(sizes, old, strict=True)]
    policy = call.attribute("keep_aspect_ratio_policy", "stretch")
    if policy != "stretch":
        factor = min(factors) if policy == "not_larger" else max(factors)
        factors = [factor] * len(factors)
        sizes = [math.floor(o * factor + 0.5) for o in old]
    return list(zip(factors, sizes, strict=True))


def _weights(call: Call, size: int, scale: float, new: int, roi: Any) -> Any:
    """Return the matrix of one axis: what the format's evaluator makes of each unit vector."""
    kept = ("mode", "coordinate_transformation_mode", "cubic_coeff_a", "exclude_outside",
            "nearest_mode", "antialias")  # fmt: skip
    attributes = {name: call.attributes[name] for name in kept if name in call.attributes}
    if call.operator == "Upsample":
        attributes["coordinate_transformation_mode"] = "asymmetric"
        attributes["nearest_mode"] = "floor"
    constants = {"x": np.eye(size, dtype=np.float64)}
    names = ["x", "", "scales"]
    constants["scales"] = np.asarray([1.0, scale], dtype=np.float32)
    if scale != np.float32(scale) or math.floor(size * np.float32(scale)) != new:
        names = ["x", "", "", "sizes"]
        constants["sizes"] = np.asarray([size, new], dtype=np.int64)
    if roi is not None:
        names[1] = "roi"
        constants["roi"] = np.asarray([0, roi[0], 1, roi[1]], dtype=np.float64)
    return evaluated("Resize", names, constants, attributes).T
