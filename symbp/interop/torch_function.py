"""A network as a function of PyTorch's tensors, with its gradient."""

from collections.abc import Callable
from typing import Any

import numpy as np

from symbp.interop.differentiable import Differentiable
from symbp.notation.errors import SymbpError
from symbp.notation.program import Program

__all__ = ["to_torch"]


def to_torch(program: Program, dtype: str = "float32") -> Callable[..., Any]:
    """Return the output of a network as a function that PyTorch differentiates through.

    It runs on the CPU, in the functions that :func:`symbp.compile` makes.

    Parameters
    ----------
    program : Program
        A network, or your own equations with a cost and an output.
    dtype : {"float32", "float64"}
        What is computed in; the tensors that come in have it, too.

    Returns
    -------
    function
        Of the parameters (a dict of tensors, or a sequence in the module's order, such as
        ``torch.nn.ParameterList``) and of the inputs. It returns a tensor, whose gradient goes
        back to parameters and to inputs of real numbers, once. Its attribute ``module`` is the
        compiled module.

    Raises
    ------
    SymbpError
        From the function, in one line: other parameters or inputs, another dtype or device.

    Examples
    --------
    >>> import symbp as bp, torch                                       # doctest: +SKIP
    >>> from symbp.interop import to_torch                              # doctest: +SKIP
    >>> network = to_torch(bp.mlp(3, 8, 2, activation="tanh"))          # doctest: +SKIP
    >>> start = network.module.initial_parameters(seed=0)               # doctest: +SKIP
    >>> weights = [torch.tensor(w, requires_grad=True) for w in start]  # doctest: +SKIP
    >>> network(weights, torch.ones(5, 3)).sum().backward()             # doctest: +SKIP
    """
    import torch

    made = Differentiable(program, dtype)
    expected = getattr(torch, dtype)
    count = len(made.names)
    real = (tensor.name for tensor, real in zip(made.inputs, made.is_real, strict=True) if real)
    typed = {*made.names, *real}

    class Output(torch.autograd.Function):
        """The output, and its adjoints."""

        @staticmethod
        def forward(context: Any, *given: Any) -> Any:
            context.save_for_backward(*given)
            arrays = [each.detach().numpy() for each in given]
            return torch.from_numpy(made.value(arrays[:count], arrays[count:]))

        @staticmethod
        def backward(context: Any, weight: Any) -> Any:
            arrays = [each.detach().numpy() for each in context.saved_tensors]
            parameters, inputs = arrays[:count], arrays[count:]
            weights = np.ascontiguousarray(weight.numpy())
            wanted = context.needs_input_grad
            found: list[Any] = [None] * len(arrays)
            if any(wanted[:count]):
                found[:count] = made.parameter_adjoints(parameters, inputs, weights)
            if any(wanted[count:]):
                adjoints = iter(made.input_adjoints(parameters, inputs, weights))
                for place, is_real in enumerate(made.is_real, start=count):
                    found[place] = next(adjoints) if is_real else None
            # The module gives views of one buffer.
            return tuple(
                torch.from_numpy(np.array(each)) if each is not None and need else None
                for each, need in zip(found, wanted, strict=True)
            )

    once = torch.autograd.function.once_differentiable
    Output.backward = staticmethod(once(Output.backward))  # type: ignore[method-assign]

    def network(parameters: Any, *inputs: Any) -> Any:
        made.check_inputs(inputs)
        if isinstance(parameters, torch.nn.Module):
            parameters = list(parameters.parameters())
        named = zip(made.names, made.parameters(parameters), strict=True)
        given = [*named, *((t.name, x) for t, x in zip(made.inputs, inputs, strict=True))]
        for name, tensor in given:
            if not isinstance(tensor, torch.Tensor):
                raise SymbpError(f"{name}: expected a tensor, got {type(tensor).__name__}")
            if tensor.device.type != "cpu":
                raise SymbpError(f"{name}: expected a tensor on the CPU, got {tensor.device}")
            if name in typed and tensor.dtype != expected:
                raise SymbpError(f"{name}: expected {expected}, got {tensor.dtype}")
        return Output.apply(*(tensor for _, tensor in given))

    network.module = made.module  # type: ignore[attr-defined]
    return network
