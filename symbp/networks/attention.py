"""Multi-head attention, and the block of a transformer around it.

``softmax(Q Kᵀ/√d) V`` for each head (Vaswani et al., "Attention is all you need", 2017, section
3.2). The matrices of the queries, keys and values are one, as in PyTorch, and so is the product
with it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sympy

from symbp.networks.activations import ActivationFunction, activation
from symbp.networks.layers import library_layer
from symbp.networks.lengths import checked_lengths, kept_steps
from symbp.networks.normalisation import layer_normalised, scale, shift
from symbp.networks.options import checked_eps, checked_size, warn_of_a_size_too_many
from symbp.networks.shapes import checked_divisor, checked_flag, checked_source
from symbp.notation.declarations import parameter, tensor
from symbp.notation.equation import Equation
from symbp.notation.errors import SymbpError
from symbp.notation.functions import where
from symbp.notation.index import Index
from symbp.notation.reductions import Sum, softmax
from symbp.notation.tensor import Tensor

__all__ = ["MultiHeadAttention", "TransformerBlock"]


@dataclass(frozen=True)
class _Weights:
    """The parameters of an attention, in PyTorch's order."""

    W: Tensor
    b: Tensor | None
    out: Tensor
    out_bias: Tensor | None


def _weights(width: int, bias: bool, number: int) -> _Weights:
    label, rows = number + 1, 3 * width
    g, j, k = Index("g", rows), Index("j", width), Index("k", width)
    zero = ("constant", 0.0)
    W = parameter(
        f"W{number}_in", g, k, symbol="w", label=label,
        initial=("uniform", math.sqrt(6 / (rows + width))),
    )  # fmt: skip
    b = parameter(f"b{number}_in", g, symbol="b", label=label, initial=zero) if bias else None
    out = parameter(
        f"W{number}_out", j, k, symbol="u", label=label, initial=("uniform", 1 / math.sqrt(width))
    )
    if not bias:
        return _Weights(W, b, out, None)
    return _Weights(
        W, b, out, parameter(f"b{number}_out", j, symbol="d", label=label, initial=zero)
    )


def _attended(
    query: Tensor, memory: Tensor, weights: _Weights, heads: int, causal: bool,
    mask: Tensor | None, lengths: Tensor | None, number: int,
) -> tuple[list[Equation], Tensor]:  # fmt: skip
    """Return the equations of an attention of one sequence to another, or to itself."""
    n, label = query.indices[0], number + 1
    width = int(query.shape[2])
    size = width // heads
    t, s = Index("t", query.shape[1]), Index("s", memory.shape[1])
    h, k = Index("h", heads), Index("k", size)

    def made(name: str, *indices: Index) -> Tensor:
        return tensor(f"{name}{number}", n, *indices, symbol=name, label=label)

    equations: list[Equation] = []
    g, m = Index("g", 3 * width), Index("m", width)
    z = made("z", t, g)
    if memory is query:
        # One product with the whole matrix, of which the heads read their parts.
        body: Any = Sum(weights.W[g, m] * query[n, t, m], m)
        body = body if weights.b is None else body + weights.b[g]
        equations.append(Equation(z.element, body))
    Q, K, V = made("Q", h, t, k), made("K", h, s, k), made("V", h, s, k)
    for place, (part, source) in enumerate(((Q, query), (K, memory), (V, memory))):
        row, step = size * h + k + place * width, part.indices[2]
        if memory is query:
            body = z[n, step, row]
        else:
            body = Sum(weights.W[row, m] * source[n, step, m], m)
            body = body if weights.b is None else body + weights.b[row]
        equations.append(Equation(part[n, h, step, k], body))
    score: Any = Sum(Q[n, h, t, k] * K[n, h, s, k], k) / sympy.sqrt(size)
    if causal:
        score = where(s <= t, score, -sympy.oo)
    if mask is not None:
        score = where(mask[_places(mask, n, t, s)] > 0, score, -sympy.oo)
    score = kept_steps(lengths, n, s, score, -sympy.oo)
    j, e = Index("j", width), Index("e", width)
    S, P, A, a = made("S", h, t, s), made("P", h, t, s), made("A", t, j), made("a", t, j)
    body = Sum(weights.out[j, e] * A[n, t, e], e)
    if weights.out_bias is not None:
        body = body + weights.out_bias[j]
    return [
        *equations,
        Equation(S.element, score),
        Equation(P.element, softmax(S.element, s)),
        # The heads lie side by side again.
        Equation(A[n, t, size * h + k], Sum(P[n, h, t, s] * V[n, h, s, k], s)),
        Equation(a.element, body),
    ], a


def _places(mask: Tensor, n: Index, t: Index, s: Index) -> tuple[Index, ...]:
    """Return the subscripts of a mask of keys, of pairs of steps, or of both by example."""
    known = {(n.extent, s.extent): (n, s), (t.extent, s.extent): (t, s)}
    if mask.rank == 2 and mask.shape in known:
        # Where a batch has as many examples as there are steps, the keys are meant.
        return (n, s) if mask.shape[0] == n.extent else (t, s)
    if mask.shape == (n.extent, t.extent, s.extent):
        return n, t, s
    raise SymbpError(
        f"mask {mask.name}: expected the shape (N, {s.extent}), ({t.extent}, {s.extent}) or "
        f"(N, {t.extent}, {s.extent}), got ({', '.join(map(str, mask.shape))})"
    )


def _check_mask(layer: str, mask: object) -> None:
    if mask is not None and not isinstance(mask, Tensor):
        raise SymbpError(
            f"{layer} mask: expected a tensor such as bp.input('mask', n, s), got {mask!r}"
        )


@library_layer
@dataclass(frozen=True)
class MultiHeadAttention:
    r"""Attention of a sequence to itself or to another, as ``torch.nn.MultiheadAttention``.

    Parameters
    ----------
    num_heads : int
        A divisor of the number of features.
    bias : bool, default True
        Whether there are biases.
    causal : bool, default False
        Whether a step looks only at those that are not after it.
    mask : Tensor, optional
        An input of shape (N, keys), (steps, keys) or (N, steps, keys): a step looks at a key where
        it is above 0. PyTorch's ``key_padding_mask`` and ``attn_mask`` of type bool say the
        opposite, where it does not.
    lengths : Tensor, optional
        How many steps of the keys each example has, integers of shape (N,): a step looks at no key
        behind them.

    Notes
    -----
    ``W1_in`` is of shape (3·features, features), with the rows of the queries, keys and values, and
    starts uniform in ±sqrt(6/(4·features)) (Glorot and Bengio, 2010); ``W1_out`` is of shape
    (features, features) and starts uniform in ±1/sqrt(features). Biases start at zero. A step that
    may look at nothing has no distribution: it is NaN, as in PyTorch with ``need_weights=True``.

    Examples
    --------
    >>> import symbp as bp
    >>> x = bp.input("x", *bp.indices("n t m", "N", 5, 8))
    >>> equations, a = MultiHeadAttention(2, causal=True).equations(x, 1)
    >>> print(*equations[4:7], sep="\n")
    S1[n, h, t, s] = where(s <= t, Sum(Q1[n, h, t, k]*K1[n, h, s, k], k)/2, -oo)
    P1[n, h, t, s] = exp(S1[n, h, t, s] - LogSumExp(S1[n, h, t, s], s))
    A1[n, t, 4*h + k] = Sum(P1[n, h, t, s]*V1[n, h, s, k], s)
    """

    num_heads: int
    bias: bool = True
    causal: bool = False
    mask: Tensor | None = None
    lengths: Tensor | None = None

    def __post_init__(self) -> None:
        name = "MultiHeadAttention num_heads"
        object.__setattr__(self, "num_heads", checked_size(name, self.num_heads))
        checked_flag("MultiHeadAttention bias", self.bias)
        checked_flag("MultiHeadAttention causal", self.causal)
        _check_mask("MultiHeadAttention", self.mask)
        checked_lengths("MultiHeadAttention", self.lengths)

    def equations(
        self, source: Tensor | Sequence[Tensor], number: int
    ) -> tuple[list[Equation], Tensor]:
        """Return the equations of the attention.

        Parameters
        ----------
        source : Tensor or (Tensor, Tensor)
            Of shape (N, steps, features); of two, the first asks and the second answers.
        number : int
            Counts the layers from 1.
        """
        pair = tuple(source) if isinstance(source, (tuple, list)) else (source, source)
        if len(pair) != 2:
            raise SymbpError(f"MultiHeadAttention: it reads one or two tensors, got {len(pair)}")
        query, memory = pair
        _, width = checked_source("MultiHeadAttention", query, "steps", "features")
        _, other = checked_source("MultiHeadAttention", memory, "steps", "features")
        checked_divisor("MultiHeadAttention num_heads", self.num_heads, width, "features")
        if other != width:
            raise SymbpError(
                f"MultiHeadAttention: expected two sources with as many features, got {width} and "
                f"{other}"
            )
        weights = _weights(width, self.bias, number)
        checked_lengths("MultiHeadAttention", self.lengths, query.indices[0])
        return _attended(
            query, memory, weights, self.num_heads, self.causal, self.mask, self.lengths, number
        )


@library_layer
@dataclass(frozen=True)
class TransformerBlock:
    r"""Attention and two dense layers with residuals, as ``torch.nn.TransformerEncoderLayer``.

    Parameters
    ----------
    num_heads : int
        A divisor of the number of features.
    dim_feedforward : int, default 2048
        The units between the two dense layers.
    activation : str or callable, default "relu"
        Theirs.
    layer_norm_eps : float, default 1e-5
        Added to the variances.
    norm_first : bool, default False
        Whether what goes into the attention and the dense layers is normalised, as in GPT-2;
        else the sums behind them are.
    bias : bool, default True
        Whether there are biases.
    causal : bool, default False
        Whether a step looks only at those that are not after it.
    mask, lengths : Tensor, optional
        As in :class:`MultiHeadAttention`.

    Examples
    --------
    >>> import symbp as bp
    >>> net = bp.Network(
    ...     [bp.Embedding(50, 16), bp.PositionalEncoding(), TransformerBlock(4, 32, causal=True),
    ...      bp.Dense(50)],
    ...     input=(8,), loss="softmax_cross_entropy",
    ... )
    >>> [parameter.name for parameter in net.parameters][1:7]
    ['W3_in', 'b3_in', 'W3_out', 'b3_out', 'W3_1', 'b3_1']
    """

    num_heads: int
    dim_feedforward: int = 2048
    activation: str | ActivationFunction = "relu"
    layer_norm_eps: float = 1e-5
    norm_first: bool = False
    bias: bool = True
    causal: bool = False
    mask: Tensor | None = None
    lengths: Tensor | None = None

    def __post_init__(self) -> None:
        for name in ("num_heads", "dim_feedforward"):
            size = checked_size(f"TransformerBlock {name}", getattr(self, name))
            object.__setattr__(self, name, size)
        activation(self.activation)
        eps = checked_eps("TransformerBlock layer_norm_eps", self.layer_norm_eps)
        object.__setattr__(self, "layer_norm_eps", eps)
        for name in ("norm_first", "bias", "causal"):
            checked_flag(f"TransformerBlock {name}", getattr(self, name))
        _check_mask("TransformerBlock", self.mask)
        checked_lengths("TransformerBlock", self.lengths)

    def equations(self, source: Tensor, number: int) -> tuple[list[Equation], Tensor]:
        """Return the equations of the block.

        Parameters
        ----------
        source : Tensor
            Of shape (N, steps, features).
        number : int
            Counts the layers from 1.
        """
        steps, width = checked_source("TransformerBlock", source, "steps", "features")
        if self.num_heads == width and self.dim_feedforward < width:
            warn_of_a_size_too_many(
                "TransformerBlock", "number of features",
                f"num_heads={width}, dim_feedforward={self.dim_feedforward}",
                f"{self.dim_feedforward}, …",
            )  # fmt: skip
        checked_divisor("TransformerBlock num_heads", self.num_heads, width, "features")
        n, label = source.indices[0], number + 1
        checked_lengths("TransformerBlock", self.lengths, n)
        t, j = Index("t", steps), Index("j", width)
        weights = _weights(width, self.bias, number)
        dense = [
            _dense(number, place, units, inputs, self.bias)
            for place, units, inputs in ((1, self.dim_feedforward, width),
                                         (2, width, self.dim_feedforward))
        ]  # fmt: skip
        norms = []
        for place in (1, 2):
            gamma = scale(f"gamma{number}_{place}", [j], f"{label}.{place}")
            beta = shift(f"beta{number}_{place}", [j], f"{label}.{place}") if self.bias else None
            norms.append((gamma, beta))
        equations: list[Equation] = []

        def normalised(given: Tensor, place: int) -> Tensor:
            gamma, beta = norms[place - 1]
            made, a = layer_normalised(
                given, [j], gamma, beta, self.layer_norm_eps, f"{number}_norm{place}",
                f"{label}.{place}", "x",
            )  # fmt: skip
            equations.extend(made)
            return a

        def attended(given: Tensor) -> Tensor:
            made, a = _attended(
                given, given, weights, self.num_heads, self.causal, self.mask, self.lengths,
                number,
            )  # fmt: skip
            equations.extend(made)
            return a

        def fed_forward(given: Tensor) -> Tensor:
            function = activation(self.activation)
            for place, (W, b) in enumerate(dense, start=1):
                units, k = Index("j", W.shape[0]), Index("k", W.shape[1])
                z = tensor(f"z{number}_{place}", n, t, units, symbol="z", label=f"{label}.{place}")
                body: Any = Sum(W[units, k] * given[n, t, k], k)
                body = body if b is None else body + b[units]
                equations.append(Equation(z.element, body))
                if place == 1:
                    hidden = z.like(f"a{number}_{place}", symbol="a", label=f"{label}.{place}")
                    equations.append(Equation(hidden.element, function(z.element)))
                    z = hidden
                given = z
            return given

        def added(first: Tensor, second: Tensor, place: int) -> Tensor:
            r = tensor(f"r{number}_{place}", n, t, j, symbol="r", label=f"{label}.{place}")
            equations.append(Equation(r.element, first[n, t, j] + second[n, t, j]))
            return r

        x = source
        for place, part in ((1, attended), (2, fed_forward)):
            if self.norm_first:
                x = added(x, part(normalised(x, place)), place)
            else:
                x = normalised(added(x, part(x), place), place)
        return equations, x


def _dense(
    number: int, place: int, units: int, inputs: int, bias: bool
) -> tuple[Tensor, Tensor | None]:
    label, bound = f"{number + 1}.{place}", ("uniform", 1 / math.sqrt(inputs))
    j, k = Index("j", units), Index("k", inputs)
    W = parameter(f"W{number}_{place}", j, k, symbol="w", label=label, initial=bound)
    if not bias:
        return W, None
    return W, parameter(f"b{number}_{place}", j, symbol="b", label=label, initial=bound)
