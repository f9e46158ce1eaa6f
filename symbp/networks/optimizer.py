"""The base of optimizers: a dataclass of hyperparameters that writes the equations of one step.

An optimizer is asked once for all parameters, with the gradient of each; most have a rule for one
parameter and no more. Those that are made of another one (clipping, accumulation) change the
gradients, or when a step is taken, and ask it in turn.
"""

from dataclasses import fields

from sympy.core.expr import Expr

from symbp.networks.hyperparameters import HYPERPARAMETERS, checked_values, constant
from symbp.networks.learning_rates import Schedule
from symbp.networks.updates import Gradients, Updates
from symbp.notation.errors import SymbpError
from symbp.notation.tensor import Tensor

__all__ = ["Optimizer"]


class Optimizer:
    """Base of the optimizers, a user's own too: a dataclass of hyperparameters with one method.

    Each field that is a number is a hyperparameter: ``self.constant("momentum", updates)`` stands
    for it in an equation, and a trainer can change it between epochs. A field ``learning_rate``
    may also be a schedule, such as :class:`symbp.CosineDecay`.

    Examples
    --------
    Gradient descent by the sign of the gradient alone:

    >>> from dataclasses import dataclass
    >>> import symbp as bp
    >>> @dataclass(frozen=True)
    ... class SignDescent(bp.Optimizer):
    ...     learning_rate: float = 0.01
    ...
    ...     def update(self, parameter, g, updates):
    ...         eta = self.constant("learning_rate", updates)
    ...         updates.replace(parameter, parameter.element - eta * bp.sign(g))
    >>> trainer = bp.compile(bp.mlp(2, 3, 1), SignDescent(0.05))
    >>> trainer.hyperparameters
    {'learning_rate': 0.05}
    """

    def __post_init__(self) -> None:
        for field in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            value, name = getattr(self, field.name), f"{type(self).__name__} {field.name}"
            if field.name not in HYPERPARAMETERS or value is None:
                continue
            if isinstance(value, Schedule):
                if field.name != "learning_rate":
                    raise SymbpError(
                        f"{name}: expected a number, got {value!r}; only a learning rate has a "
                        f"schedule"
                    )
                continue
            object.__setattr__(self, field.name, checked_values(self, field.name))

    def update(self, parameter: Tensor, g: Expr, updates: Updates) -> None:
        """Write the equations of one parameter.

        Parameters
        ----------
        parameter : Tensor
            What is updated.
        g : SymPy expression
            The element of its gradient at the parameter's own indices.
        updates : Updates
            Where the equations go.
        """
        raise SymbpError(
            f"{type(self).__name__}: an optimizer needs a method update(parameter, g, updates), "
            f"or update_all(gradients, updates)"
        )

    def update_all(self, gradients: Gradients, updates: Updates) -> None:
        """Write the equations of all parameters; by default, :meth:`update` for each.

        Parameters
        ----------
        gradients : sequence of (Tensor, SymPy expression)
            Each parameter, and the element of its gradient at the parameter's own indices.
        updates : Updates
            Where the equations go.
        """
        for parameter, g in gradients:
            self.update(parameter, g, updates)

    def apply(self, gradients: Gradients, updates: Updates) -> None:
        """Write the equations of all parameters, with names of its own.

        What calls it: an optimizer that is made of another one.
        """
        with updates.names_apart():
            self.update_all(gradients, updates)

    def constant(self, name: str, updates: Updates) -> Expr:
        """Return what stands for a hyperparameter in an equation; a schedule's value at this step.

        Parameters
        ----------
        name : str
            One of the fields.
        updates : Updates
            Where the equations go.
        """
        value = getattr(self, name)
        if isinstance(value, Schedule):
            return value.rate(updates)
        return constant(name, value, updates)
