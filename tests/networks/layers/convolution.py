"""Convolutions, poolings and flattening: the options of each beside JAX's and PyTorch's."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax

import symbp as bp
from tests.networks.layers.cases import Case

MODES = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def convolved(
    x: Any, W: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1,
    groups: int = 1, mode: str = "zeros",
) -> Any:  # fmt: skip
    rank = W.ndim - 2
    stride, dilation, padding = (
        (v,) * rank if isinstance(v, int) else v for v in (stride, dilation, padding)
    )
    edges = [p if isinstance(p, tuple) else (p, p) for p in padding]
    x = jnp.pad(x, [(0, 0), (0, 0), *edges], mode=MODES[mode])
    z = lax.conv_general_dilated(
        x, W, stride, "VALID", rhs_dilation=dilation, feature_group_count=groups
    )
    return z if b is None else z + b.reshape(-1, *(1,) * rank)


def transposed(
    x: Any, W: Any, b: Any = None, stride: Any = 1, padding: Any = 0, extra: Any = 0,
    groups: int = 1, dilation: Any = 1,
) -> Any:  # fmt: skip
    """Return what a convolution's derivative by its source is, written by its definition."""
    rank = W.ndim - 2
    stride, padding, extra, dilation = (
        (v,) * rank if isinstance(v, int) else v for v in (stride, padding, extra, dilation)
    )
    c, o, *window = W.shape
    # (c, o/g, …) -> (o, c/g, …), turned around
    W = W.reshape(groups, c // groups, o, *window).swapaxes(1, 2)
    W = jnp.flip(W.reshape(groups * o, c // groups, *window), range(2, 2 + rank))
    edges = [
        (d * (k - 1) - p, d * (k - 1) - p + e)
        for d, k, p, e in zip(dilation, window, padding, extra, strict=True)
    ]
    z = lax.conv_general_dilated(
        x, W, (1,) * rank, edges, lhs_dilation=stride, rhs_dilation=dilation,
        feature_group_count=groups,
    )  # fmt: skip
    return z if b is None else z + b.reshape(-1, *(1,) * rank)


def conv(rank: int, shape: tuple[int, ...], o: int, k: Any, **given: Any) -> Case:
    ours = {1: bp.Conv1d, 2: bp.Conv2d}[rank]
    theirs = {
        {"padding_mode": "mode"}.get(n, n): v
        for n, v in given.items()
        if n != "bias" and not isinstance(v, str)
    }
    theirs |= {"mode": given["padding_mode"]} if "padding_mode" in given else {}
    if given.get("padding") == "same":
        window = (k,) * rank if isinstance(k, int) else k
        apart = given.get("dilation", 1)
        totals = [apart * (w - 1) for w in window]
        theirs["padding"] = [(t // 2, t - t // 2) for t in totals]
    return Case(
        ours(o, k, **given),
        shape,
        lambda x, W, b=None: convolved(x, W, b, **theirs),
        lambda nn: getattr(nn, ours.__name__)(shape[0], o, k, **given),
    )


def conv_transpose(rank: int, shape: tuple[int, ...], o: int, k: Any, **given: Any) -> Case:
    ours = {1: bp.ConvTranspose1d, 2: bp.ConvTranspose2d}[rank]
    theirs = {n: v for n, v in given.items() if n not in ("bias", "output_padding")}
    theirs["extra"] = given.get("output_padding", 0)
    return Case(
        ours(o, k, **given),
        shape,
        lambda x, W, b=None: transposed(x, W, b, **theirs),
        lambda nn: getattr(nn, ours.__name__)(shape[0], o, k, **given),
    )


def windows(x: Any, window: Any, step: Any, padding: Any, apart: Any, ceil: bool, fill: float):
    """Yield the values at each place of a window, and whether it is in the source, by slices."""
    sizes = x.shape[2:]
    counts = []
    for s, k, t, p, d in zip(sizes, window, step, padding, apart, strict=True):
        left = s + 2 * p - d * (k - 1) - 1
        count = (-(-left // t) if ceil else left // t) + 1
        counts.append(count - 1 if ceil and (count - 1) * t >= s + p else count)
    ends = [
        (c - 1) * t + d * (k - 1) + 1
        for c, t, d, k in zip(counts, step, apart, window, strict=True)
    ]
    edges = [(p, max(0, e - s - p)) for p, e, s in zip(padding, ends, sizes, strict=True)]
    wide = jnp.pad(x, [(0, 0), (0, 0), *edges], constant_values=fill)
    for place in np.ndindex(*window):
        cut = tuple(
            slice(d * q, d * q + (c - 1) * t + 1, t)
            for d, q, c, t in zip(apart, place, counts, step, strict=True)
        )
        yield wide[(slice(None), slice(None), *cut)]


def pool(kind: str, rank: int, shape: tuple[int, ...], k: Any, **given: Any) -> Case:
    name = f"{kind}Pool{rank}d"

    def both(value: Any) -> Any:
        return (value,) * rank if isinstance(value, int) else value

    window, padding = both(k), both(given.get("padding", 0))
    step, apart = both(given.get("stride", k)), both(given.get("dilation", 1))
    ceil = given.get("ceil_mode", False)

    def largest(x: Any) -> Any:
        found = list(windows(x, window, step, padding, apart, ceil, -jnp.inf))
        return jnp.max(jnp.stack(found), axis=0)

    def mean(x: Any) -> Any:
        total = sum(windows(x, window, step, padding, apart, ceil, 0.0))
        if "divisor_override" in given:
            return total / given["divisor_override"]
        ones = jnp.ones_like(x)
        if given.get("count_include_pad", True):
            wide = jnp.pad(ones, [(0, 0), (0, 0), *((p, p) for p in padding)], constant_values=1.0)
            count = sum(windows(wide, window, step, (0,) * rank, apart, ceil, 0.0))
            count = count[tuple(slice(0, e) for e in total.shape)]
        else:
            count = sum(windows(ones, window, step, padding, apart, ceil, 0.0))
        return total / count

    return Case(
        getattr(bp, name)(k, **given),
        shape,
        largest if kind == "Max" else mean,
        lambda nn: getattr(nn, name)(k, **given),
    )


def adaptive(rank: int, shape: tuple[int, ...], parts: Any) -> Case:
    def mean(x: Any) -> Any:
        for axis, count in enumerate((parts,) * rank if isinstance(parts, int) else parts, start=2):
            size = x.shape[axis]
            pieces = [
                jnp.mean(
                    lax.slice_in_dim(x, i * size // count, -(-(i + 1) * size // count), axis=axis),
                    axis=axis,
                )
                for i in range(count)
            ]
            x = jnp.stack(pieces, axis=axis)
        return x

    name = f"AdaptiveAvgPool{rank}d"
    return Case(getattr(bp, name)(parts), shape, mean, lambda nn: getattr(nn, name)(parts))


CASES: dict[str, Case] = {
    "Conv1d": conv(1, (2, 9), 3, 4),
    "Conv1d with everything": conv(
        1, (4, 11), 6, 3, stride=2, padding=2, dilation=2, groups=2, bias=False
    ),
    "Conv1d same": conv(1, (2, 7), 3, 4, padding="same"),
    "Conv1d circular": conv(1, (2, 7), 3, 3, padding=2, padding_mode="circular"),
    "Conv2d": conv(2, (2, 5, 6), 3, (2, 3)),
    "Conv2d padded": conv(2, (2, 5, 4), 3, 3, padding=1),
    "Conv2d padded unevenly": conv(2, (1, 5, 4), 2, (3, 2), padding=(0, 1), stride=(1, 2)),
    "Conv2d stride": conv(2, (2, 7, 6), 3, 3, stride=2, padding=1),
    "Conv2d dilated": conv(2, (2, 7, 6), 2, 3, dilation=2, padding=2),
    "Conv2d groups": conv(2, (4, 4, 4), 6, 3, groups=2, padding=1),
    "Conv2d depthwise": conv(2, (3, 4, 4), 3, 3, groups=3),
    "Conv2d depthwise, several": conv(2, (2, 4, 4), 4, 3, groups=2, stride=1, padding=1),
    "Conv2d groups to one": conv(2, (4, 3, 3), 2, 2, groups=2),
    "Conv2d same": conv(2, (1, 5, 4), 2, (2, 3), padding="same", bias=False),
    "Conv2d valid": conv(2, (1, 5, 4), 2, 2, padding="valid"),
    "Conv2d reflect": conv(2, (2, 4, 5), 2, 3, padding=(2, 1), padding_mode="reflect"),
    "Conv2d replicate": conv(2, (2, 4, 5), 2, 3, padding=(2, 0), padding_mode="replicate"),
    "Conv2d circular": conv(2, (2, 4, 3), 2, 3, padding=2, padding_mode="circular"),
    "ConvTranspose1d": conv_transpose(1, (2, 5), 3, 3, stride=2, padding=1, output_padding=1),
    "ConvTranspose1d without a bias": conv_transpose(1, (2, 5), 3, 3, bias=False),
    "ConvTranspose2d": conv_transpose(2, (2, 3, 4), 3, 2),
    "ConvTranspose2d stride": conv_transpose(2, (2, 3, 4), 3, (3, 2), stride=2, padding=(1, 0)),
    "ConvTranspose2d with everything": conv_transpose(
        2,
        (4, 3, 2),
        6,
        3,
        stride=(3, 2),
        padding=2,
        output_padding=(2, 1),
        groups=2,
        dilation=2,
        bias=False,
    ),
    "ConvTranspose2d depthwise": conv_transpose(2, (2, 3, 2), 2, 3, groups=2, stride=2),
    "MaxPool1d": pool("Max", 1, (2, 7), 3),
    "MaxPool2d": pool("Max", 2, (2, 6, 7), 2),
    "MaxPool2d overlapping, padded": pool("Max", 2, (2, 6, 7), 3, stride=2, padding=1),
    "MaxPool2d dilated, to the end": pool(
        "Max", 2, (1, 8, 7), (2, 3), stride=(3, 2), padding=(1, 1), dilation=2, ceil_mode=True
    ),
    "AvgPool1d": pool("Avg", 1, (2, 7), 3, stride=2),
    "AvgPool2d": pool("Avg", 2, (2, 6, 7), 2),
    "AvgPool2d padded": pool("Avg", 2, (2, 6, 7), 3, stride=2, padding=1),
    "AvgPool2d padded, not counted": pool(
        "Avg", 2, (2, 6, 7), 3, stride=2, padding=1, count_include_pad=False
    ),
    "AvgPool2d to the end": pool("Avg", 2, (1, 6, 8), 3, stride=2, padding=1, ceil_mode=True),
    "AvgPool2d to the end, not counted": pool(
        "Avg",
        2,
        (1, 6, 8),
        (3, 2),
        stride=(2, 3),
        padding=1,
        ceil_mode=True,
        count_include_pad=False,
    ),
    "AvgPool2d with a divisor": pool("Avg", 2, (1, 4, 4), 2, stride=1, divisor_override=3),
    "AdaptiveAvgPool1d": adaptive(1, (2, 7), 3),
    "AdaptiveAvgPool2d": adaptive(2, (2, 6, 4), 2),
    "AdaptiveAvgPool2d to one": adaptive(2, (2, 3, 4), 1),
    "AdaptiveAvgPool2d overlapping": adaptive(2, (2, 5, 7), (3, 7)),
    "Flatten": Case(
        bp.Flatten(), (2, 3, 4), lambda x: x.reshape(len(x), -1), lambda nn: nn.Flatten()
    ),
    "Flatten some": Case(
        bp.Flatten(2, 3),
        (2, 3, 2, 2),
        lambda x: x.reshape(*x.shape[:2], 6, 2),
        lambda nn: nn.Flatten(2, 3),
    ),
}
