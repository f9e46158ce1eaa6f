"""What is known before any data is seen, computed by the format's reference evaluator."""

from collections.abc import Mapping, Sequence
from typing import Any

from symbp.interop.onnx.library import library

__all__ = ["array", "evaluated", "evaluated_node"]


def array(proto: Any) -> Any:
    """Return the numbers of a tensor of the file.

    Parameters
    ----------
    proto : onnx.TensorProto
        An attribute or an initializer.
    """
    return library("numpy_helper").to_array(proto)


def evaluated(
    operator: str, inputs: Sequence[str], arrays: Mapping[str, Any], attributes: Mapping[str, Any]
) -> Any:
    """Return the only output of an operator.

    Parameters
    ----------
    operator : str
        Of the newest version that the library has.
    inputs : sequence of str
        Names of arrays, empty where an input is left out.
    arrays : mapping of str to ndarray
        By name.
    attributes : mapping of str to object
        Of the node.
    """
    node = library("helper").make_node(operator, list(inputs), ["y"], **attributes)
    version = library("defs").onnx_opset_version()
    opsets = [library("helper").make_opsetid("", version)]
    return evaluated_node(node, arrays, opsets)[0]


def evaluated_node(node: Any, arrays: Mapping[str, Any], opsets: Any) -> list[Any]:
    """Return the outputs of a node that have a name.

    Parameters
    ----------
    node : onnx.NodeProto
        Without graphs in it.
    arrays : mapping of str to ndarray
        Its inputs.
    opsets : sequence of onnx.OperatorSetIdProto
        The versions of the operators.
    """
    helper = library("helper")
    graph = helper.make_graph([node], "one", [], [])
    for name in dict.fromkeys(each for each in node.input if each):
        graph.input.add().name = name
    for name in node.output:
        if name:
            graph.output.add().name = name
    model = helper.make_model(graph, opset_imports=opsets)
    found: list[Any] = library("reference").ReferenceEvaluator(model).run(None, dict(arrays))
    return found
