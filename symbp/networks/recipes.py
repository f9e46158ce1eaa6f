"""Names of other libraries, and what symbp has in their place: a function, or a recipe in the docs.

Read only where a name is asked of ``symbp`` that it does not have.
"""

from symbp.networks.layers import known_layers

__all__ = ["recipe"]

_PAGE = "docs/layers.md"


def _written(what: str, section: str, page: str = _PAGE) -> str:
    return f"{what} is written as equations: see {page}, {section!r}"


def _layer(call: str) -> str:
    return f"the layer is bp.{call}"


_CONVOLUTION = _written("a convolution", "Convolution")
_POOLING = _written("pooling", "Pooling")
_ATTENTION = _written("attention", "Attention")
_STATE = "what is kept from step to step is a bp.state with its bp.next_value"
_DENSE = "a fully connected layer is bp.Dense(units, activation)"
_SUM = "a product of matrices is a sum, bp.Sum(W[j, k]*x[n, k], k)"
_DROPOUT = "dropout is a layer, bp.Dropout(p); equations of your own read a bp.noise"

_RECIPES: dict[str, str] = {
    **dict.fromkeys(("conv", "convolution"), _layer("Conv2d(out_channels, kernel_size)")),
    **dict.fromkeys(("conv2dtranspose", "deconv"), _layer("ConvTranspose2d(out_channels, …)")),
    **dict.fromkeys(("conv3d", "unfold", "fold"), _CONVOLUTION),
    **dict.fromkeys(
        ("depthwiseconv2d", "separableconv2d"),
        _layer("Conv2d(out_channels, kernel_size, groups=…)"),
    ),
    **dict.fromkeys(("maxpool", "maxpooling2d"), _layer("MaxPool2d(kernel_size)")),
    **dict.fromkeys(("maxpooling1d",), _layer("MaxPool1d(kernel_size)")),
    **dict.fromkeys(("avgpool", "averagepooling2d"), _layer("AvgPool2d(kernel_size)")),
    **dict.fromkeys(("globalaveragepooling2d",), _layer("AdaptiveAvgPool2d(1)")),
    **dict.fromkeys(("maxpool3d", "globalmaxpooling2d"), _POOLING),
    **dict.fromkeys(
        ("reshape",), "values are put elsewhere by a subscript on the left, as in bp.Flatten()"
    ),
    **dict.fromkeys(("simplernn", "elman"), _layer("RNN(hidden_size)")),
    **dict.fromkeys(("rnncell", "lstmcell", "grucell"), _written("a recurrence", "Recurrence")),
    **dict.fromkeys(("embeddingbag",), _written("an embedding", "Embedding")),
    **dict.fromkeys(
        ("attention", "selfattention", "scaled_dot_product_attention"),
        _layer("MultiHeadAttention(num_heads)"),
    ),
    **dict.fromkeys(
        ("transformer", "transformerencoder", "transformerencoderlayer"),
        _layer("TransformerBlock(num_heads)"),
    ),
    **dict.fromkeys(("transformerdecoder",), _ATTENTION),
    **dict.fromkeys(("layernormalization",), _layer("LayerNorm()")),
    **dict.fromkeys(("instancenorm2d",), _layer("GroupNorm(channels)")),
    **dict.fromkeys(
        ("batchnorm", "batchnormalization"),
        "it is bp.BatchNorm1d() or, of images, bp.BatchNorm2d()",
    ),
    **dict.fromkeys(("ema", "exponentialmovingaverage", "buffer"), _STATE),
    **dict.fromkeys(("dropout", "dropout2d", "alphadropout", "gaussiannoise"), _DROPOUT),
    **dict.fromkeys(("resnet", "skip"), _layer("Residual(*layers)")),
    **dict.fromkeys(("concat", "cat"), _layer("Concatenate(branch, branch)")),
    **dict.fromkeys(("bilinear", "bilinearlayer"), _written("a bilinear form", "Bilinear form")),
    **dict.fromkeys(
        ("softmax", "logsoftmax"),
        "it is bp.softmax(z[n, j], j), and part of loss='softmax_cross_entropy'",
    ),
    **dict.fromkeys(("linear", "fullyconnected", "affine"), _DENSE),
    **dict.fromkeys(
        ("sequential", "model", "module"), "layers in a row are bp.Network([...], input=…)"
    ),
    **dict.fromkeys(
        ("crossentropyloss", "nllloss", "categoricalcrossentropy", "sparsecategoricalcrossentropy"),
        'the cost is loss="softmax_cross_entropy"',
    ),
    **dict.fromkeys(
        ("bceloss", "bcewithlogitsloss", "binarycrossentropy"),
        'the cost is loss="cross_entropy" on sigmoid outputs, "binary_cross_entropy" on logits',
    ),
    **dict.fromkeys(
        ("mseloss", "meansquarederror", "mse"), 'the cost is loss="mean_squared_error"'
    ),
    **dict.fromkeys(
        (
            "quadratic",
            "mean_squared_error",
            "cross_entropy",
            "binary_cross_entropy",
            "softmax_cross_entropy",
        ),
        "costs are given by name, such as loss='quadratic'",
    ),
    **dict.fromkeys(("dot", "matmul", "mm", "bmm", "einsum", "tensordot", "matvec"), _SUM),
    **dict.fromkeys(("outer",), "an outer product is a[j]*b[k], with j and k on the left"),
    **dict.fromkeys(("multiply", "mul"), "write a*b"),
    **dict.fromkeys(("add", "subtract", "sub", "divide", "div"), "write a + b, a - b, a/b"),
    **dict.fromkeys(("power", "pow", "square"), "write a**b"),
    **dict.fromkeys(("abs", "absolute", "fabs"), "write abs(a) or bp.Abs(a)"),
    **dict.fromkeys(
        ("max", "amax"), "bp.maximum(a, b) of two values, bp.Max(a[k], k) over an index"
    ),
    **dict.fromkeys(
        ("min", "amin"), "bp.minimum(a, b) of two values, -bp.Max(-a[k], k) over an index"
    ),
    **dict.fromkeys(("sum",), "bp.Sum(a[k], k) over an index"),
    **dict.fromkeys(("mean", "average"), "bp.Mean(a[k], k) over an index"),
    **dict.fromkeys(("var", "std", "variance"), "write bp.Mean((a[k] - mean)**2, k)"),
    **dict.fromkeys(("clip", "clamp"), "write bp.minimum(bp.maximum(a, low), high)"),
    **dict.fromkeys(("eq", "equal"), "the condition is sympy.Eq(a, b)"),
    **dict.fromkeys(
        ("variable", "weight", "param"), "a trainable tensor is bp.parameter(name, *indices)"
    ),
    **dict.fromkeys(("placeholder", "data"), "an array from outside is bp.input(name, *indices)"),
    **dict.fromkeys(
        ("scalar", "symbol"), "a scalar is a tensor without indices, bp.parameter('p')"
    ),
    **dict.fromkeys(
        ("grad", "gradient", "jacobian", "backward", "value_and_grad", "diff"),
        "derivatives are formulas in bp.derive(program), code in bp.compile(program).module",
    ),
    **dict.fromkeys(
        (
            "cosineannealinglr",
            "steplr",
            "exponentiallr",
            "linearlr",
            "onecyclelr",
            "lambdalr",
            "cosine_decay_schedule",
            "warmup_cosine_decay_schedule",
            "exponential_decay",
        ),
        "a schedule is given as the learning rate, bp.SGD(bp.CosineDecay(0.1, steps=1000)): see "
        "docs/training.md",
    ),
    **dict.fromkeys(
        ("clip_grad_norm_", "clip_grad_value_", "clip_by_global_norm", "adaptive_grad_clip"),
        "gradients are clipped by an optimizer, bp.Clip(bp.Adam(0.01), max_norm=1.0)",
    ),
    **dict.fromkeys(
        ("multisteps",), "steps for several batches are bp.Accumulate(bp.Adam(0.01), batches=4)"
    ),
    **dict.fromkeys(
        ("lbfgs", "minimize", "minimise", "least_squares"),
        'bp.compile(program).minimise(x, y, method="L-BFGS-B") minimises with SciPy',
    ),
    **dict.fromkeys(
        ("earlystopping",), "training stops early by fit(x, y, validation=…, patience=10)"
    ),
    **dict.fromkeys(("train", "fit"), "bp.compile(program).fit(x, y) trains"),
    **dict.fromkeys(("swish",), "it is bp.silu, or activation='silu'"),
    **dict.fromkeys(
        ("mish", "hardswish", "hardsigmoid", "selu"),
        "see docs/guide.md, 'An activation of your own'",
    ),
}
_FUNCTIONS = (
    "sigmoid", "tanh", "relu", "elu", "gelu", "silu", "softplus", "leaky_relu",
)  # fmt: skip


def recipe(name: str) -> str | None:
    """Return what to write for a name of another library; None if it is none that is known.

    Examples
    --------
    >>> recipe("Linear")
    'a fully connected layer is bp.Dense(units, activation)'
    """
    key = name.lower()
    plain = key.replace("_", "")
    for function in _FUNCTIONS:
        if plain == function.replace("_", "") and name != function:
            return f"as a function it is bp.{function}, as a layer bp.Activation({function!r})"
    for layer in known_layers():
        if plain == layer.lower() and name != layer:
            return f"the layer is bp.{layer}"
    return _RECIPES.get(key) or _RECIPES.get(plain)
