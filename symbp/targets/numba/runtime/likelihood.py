"""What the outputs of a network say: a class, and with what probability.

Outputs go in, of shape (examples, outputs); places of classes or probabilities come out. Nothing
overflows: logits may be as large as they like.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray


class Likelihood:
    """How outputs are read.

    Parameters
    ----------
    kind : str
        "softmax": logits of all classes together; "logit" or "probability" of each; "margin": no
        probability; "numbers": no classes.
    threshold : float
        What a single output exceeds for the second class, and each of several for its label.
    several : bool
        Whether an example has any number of labels, instead of one class.
    """

    def __init__(self, kind: str, threshold: float, several: bool) -> None:
        self.kind, self.threshold, self.several = kind, threshold, several

    def decided(self, outputs: NDArray[Any]) -> NDArray[np.int64]:
        """Return the place of the class of each example, or zeros and ones for labels."""
        if self.several or outputs.shape[1] == 1:
            said = (outputs > self.threshold).astype(np.int64)
            return said if self.several else said[:, 0]
        return np.asarray(outputs.argmax(axis=1), np.int64)

    def probabilities(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the probability of each class or label.

        Of several classes with an output each, the probabilities are divided by their sum.
        """
        if self.kind == "softmax" or self.kind == "logit":
            found: NDArray[Any] = np.exp(self.log_probabilities(outputs))
            return found
        if self.several:
            return outputs
        if outputs.shape[1] == 1:
            return np.hstack([1 - outputs, outputs])
        return np.asarray(outputs / outputs.sum(axis=1, keepdims=True))

    def log_probabilities(self, outputs: NDArray[Any]) -> NDArray[Any]:
        """Return the logarithm of `probabilities`."""
        if self.kind == "softmax":
            shifted = outputs - outputs.max(axis=1, keepdims=True)
            total = np.exp(shifted).sum(axis=1, keepdims=True)
            return np.asarray(shifted - np.log(total))
        if self.kind == "logit":
            logs = -np.logaddexp(0, -outputs)
            if self.several:
                return np.asarray(logs)
            if outputs.shape[1] == 1:
                return np.hstack([-np.logaddexp(0, outputs), logs])
            return np.asarray(logs - np.log(np.exp(logs).sum(axis=1, keepdims=True)))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.probabilities(outputs)))
