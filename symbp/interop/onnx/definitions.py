"""Operators that the format defines by others, written out in a graph."""

from collections.abc import Collection
from typing import Any

from symbp.interop.onnx.library import library

__all__ = ["written_out"]

# Definitions stand in definitions: Attention is of Softmax, which is of Exp.
_DEEPEST = 6


def written_out(model: Any, known: Collection[str]) -> Any:
    """Return a model without functions, and without operators that have a definition and no code.

    The library's own inliner stops at nodes that leave an input out before one that is given, when
    a definition depends on the node; so the definitions are functions of the model here.

    Parameters
    ----------
    model : onnx.ModelProto
        Any.
    known : collection of str
        Operators that are read as they are.
    """
    inliner = library("inliner")
    if model.functions:
        model = inliner.inline_local_functions(model)
    for _ in range(_DEEPEST):
        changed = _with_definitions(model, known)
        if changed is None:
            return model
        model = inliner.inline_local_functions(changed)
    return model


def _with_definitions(model: Any, known: Collection[str]) -> Any:
    """Return a model whose unknown operators are functions of its own, or None without any."""
    onnx = library()
    opaque = [
        place
        for place, node in enumerate(model.graph.node)
        if node.op_type not in known or node.domain not in ("", "ai.onnx")
    ]
    made = []
    if opaque:
        types = _types(model)
        for place in opaque:
            function = _definition(model, model.graph.node[place], types)
            if function is not None:
                made.append((place, function))
    if not made:
        return None
    changed = onnx.ModelProto()
    changed.CopyFrom(model)
    for place, function in made:
        function.domain, function.name = "symbp.definitions", f"{function.name}_{place}"
        changed.functions.append(function)
        node = changed.graph.node[place]
        node.domain, node.op_type = function.domain, function.name
        # The function has the attributes' values already, or names them.
        named = {*function.attribute, *(each.name for each in function.attribute_proto)}
        kept = [each for each in node.attribute if each.name in named]
        del node.attribute[:]
        node.attribute.extend(kept)
    changed.opset_import.append(onnx.helper.make_opsetid("symbp.definitions", 1))
    return changed


def _types(model: Any) -> dict[str, Any]:
    graph = model.graph
    try:
        graph = library("shape_inference").infer_shapes(model, data_prop=True).graph
    except Exception:  # then those that the graph itself names are known
        graph = model.graph
    found = {v.name: v.type for v in (*graph.input, *graph.value_info, *graph.output)}
    make = library("helper").make_tensor_type_proto
    for each in model.graph.initializer:
        found[each.name] = make(each.data_type, list(each.dims))
    return found


def _definition(model: Any, node: Any, types: dict[str, Any]) -> Any:
    """Return the definition of a node's operator as a function, or None if it has none."""
    onnx = library()
    domain = "" if node.domain == "ai.onnx" else node.domain
    versions = {"" if o.domain == "ai.onnx" else o.domain: o.version for o in model.opset_import}
    version = versions.get(domain, 1)
    try:
        schema = library("defs").get_schema(node.op_type, version, domain)
    except Exception:  # no operator of that version
        return None
    function = onnx.FunctionProto()
    if schema.has_function:
        function.CopyFrom(schema.function_body)
    elif schema.has_context_dependent_function:
        empty = onnx.TypeProto()
        given = [types.get(name, empty) for name in node.input]
        text = schema.get_context_dependent_function(
            node.SerializeToString(), [each.SerializeToString() for each in given]
        )
        function.ParseFromString(text)
    else:
        return None
    if not function.opset_import:
        function.opset_import.append(onnx.helper.make_opsetid("", version))
    _fill(function, node, schema)
    return function


def _fill(function: Any, node: Any, schema: Any) -> None:
    """Put the values of a node's attributes, or their defaults, where a function names them."""
    given = {each.name: each for each in node.attribute}
    for name, attribute in schema.attributes.items():
        if name not in given and attribute.default_value.name:
            given[name] = attribute.default_value

    def visit(nodes: Any) -> None:
        for inner in nodes:
            kept = []
            for attribute in inner.attribute:
                if attribute.ref_attr_name:
                    value = given.get(attribute.ref_attr_name)
                    if value is None:
                        continue
                    name = attribute.name
                    attribute.CopyFrom(value)
                    attribute.name, attribute.ref_attr_name = name, ""
                elif attribute.HasField("g"):
                    visit(attribute.g.node)
                kept.append(type(attribute).FromString(attribute.SerializeToString()))
            del inner.attribute[:]
            inner.attribute.extend(kept)

    visit(function.node)
    del function.attribute[:]
    del function.attribute_proto[:]
