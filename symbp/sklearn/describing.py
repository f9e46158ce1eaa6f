"""Docstrings of estimators: what all of them take and keep is said once."""

import textwrap
from collections.abc import Callable
from typing import TypeVar

__all__ = ["documented"]

C = TypeVar("C", bound=type)

_ARGUMENTS = """\
Parameters
----------
layers : sequence or callable, default (100,)
    The hidden layers: units such as ``(64, 32)``, or layers such as ``[bp.Dense(64, "tanh"),
    bp.BatchNorm1d()]``; the last layer follows by itself. Or a function of the numbers of features
    and of outputs that returns a whole ``bp.Program``, which then says its own cost, activations
    and penalty.
activation : str or callable, default "relu"
    Of hidden layers that are given by their units.
output : str or callable, optional
    The activation of the last layer; by default the one that the loss is for.
loss : str or callable, optional
    A name of symbp's costs, or a function of the output and the target that returns an equation's
    right-hand side. By default {loss}: {why}.
optimizer : str or Optimizer, default "adam"
    A name, an instance such as ``bp.Clip(bp.AdamW(0.01), max_norm=1.0)``, or ``"lbfgs"``: SciPy's
    L-BFGS-B over all examples at once, often the best for small tables.
learning_rate : float, optional
    Of an optimizer that is given by its name.
batch_size : int or "auto", default "auto"
    Examples a step; ``"auto"`` is min(200, examples).
max_iter : int, default 200
    Epochs, or iterations of ``"lbfgs"``, at most.
tol, n_iter_no_change : float and int, default 1e-4 and 10
    Training ends when the loss (with `early_stopping`, that of the data held out) was not lower by
    `tol` for so many epochs in a row.
early_stopping : bool or "score", default False
    Whether a part of the examples is held out, and the parameters of the epoch kept that served
    these best: by the loss, or with ``"score"`` by the accuracy of classes and R² of numbers.
validation_fraction : float, default 0.1
    The part that is held out.
alpha : float, default 1e-4
    The strength of the penalty on the squares of weights, ``alpha/2 Σ w²`` for each batch, as in
    scikit-learn's networks.
dropout : float, default 0
    The probability with which outputs of hidden layers that are given by their units are dropped.
standardise : bool or "target", default False
    Whether features (and numbers to predict) get mean 0 and variance 1; exported with the network.
    ``"target"``: numbers to predict alone.
categorical_features : sequence of int or str, mask of bool, or dict, optional
    Columns that hold codes 0, 1, 2, … of categories, as ``OrdinalEncoder`` makes them: each becomes
    a vector that the network learns (an embedding), instead of numbers or one column each. As many
    categories as occur in `fit`, or as a dict says: ``{{"city": 120}}``.
embedding_size : int, optional
    How long these vectors are; by default ``1.6 · categories^0.56``, at most 50.
shuffle : bool, default True
    Whether each epoch has another order of examples.
warm_start : bool, default False
    Whether `fit` goes on from the parameters that there are.
random_state : int or RandomState, optional
    Of the initial parameters, of the order, of noise, and of what is held out.
dtype : {{"float64", "float32"}}, optional
    The precision; by default that of the table.
verbose : bool or callable, default False
    Whether the loss of each epoch is printed; or a function of the epoch and its record, a dict
    with ``cost``, that is called instead."""

_ATTRIBUTES = """\
Attributes
----------
loss_curve_ : list of float
    The loss after each epoch.
loss_, best_loss_ : float
    The last of these and the least.
validation_loss_curve_, best_validation_loss_ : list of float and float
    Of the examples held out, with `early_stopping`.
validation_scores_, best_validation_score_ : list of float and float
    Of the same, with ``early_stopping="score"``.
n_iter_ : int
    Epochs.
n_features_in_, n_outputs_ : int
    The number of columns, and of outputs of the network.
feature_names_in_ : ndarray of str
    The columns' names, where they have any.
parameters_ : Parameters
    By name: ``model.parameters_.W1``.
derivation_ : Derivation
    How the gradient is derived; a notebook shows it.
program_, trainer_ : Program and Trainer
    The network as equations, and what trained it."""


def documented(loss: str, why: str, more: str = "") -> Callable[[C], C]:
    """Return a decorator that fills the docstring of an estimator.

    Parameters
    ----------
    loss, why : str
        Its default, and what that is.
    more : str
        A further argument of its own.
    """

    def filled(cls: C) -> C:
        arguments = _ARGUMENTS.format(loss=loss, why=why) + (f"\n{more}" if more else "")
        parts = {
            name: textwrap.indent(text, "    ").lstrip()
            for name, text in (("arguments", arguments), ("attributes", _ATTRIBUTES))
        }
        text = cls.__doc__ or ""
        for name, part in parts.items():
            text = text.replace(f"{{{name}}}", part)
        cls.__doc__ = text
        return cls

    return filled
