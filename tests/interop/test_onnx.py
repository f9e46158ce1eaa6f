"""Networks as ONNX files: what runtimes compute from them, and what is read back."""

import pathlib
from typing import Any

import numpy as np
import pytest

import symbp as bp
from symbp.calculus.gradient_program import gradient_program
from symbp.calculus.interpreter import interpret
from symbp.calculus.normalise import normalise
from symbp.interop.onnx.export import onnx_model
from symbp.networks.activations import ACTIVATIONS
from tests.onnx_networks import QUICK, SLOW, Case, error, expected, network, of
from tests.programs import PROGRAMS

onnx = pytest.importorskip("onnx")
reference = pytest.importorskip("onnx.reference")
onnxruntime = pytest.importorskip("onnxruntime")
onnxruntime.set_default_logger_severity(3)

# Linear algebra has no operators in the format; places that are computed are not read back.
WRITTEN = [name for name in PROGRAMS if name != "systems"]
EVERY = [
    *QUICK,
    *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW),
    *(pytest.param(f"program {name}", marks=pytest.mark.slow) for name in WRITTEN),
    *(pytest.param(f"of {name}", marks=pytest.mark.slow) for name in ACTIVATIONS),
]


def case(name: str) -> Case:
    if name.startswith("of "):
        return network([bp.Dense(4, name[3:]), bp.Dense(3)], 5)()
    if name.startswith("program "):
        return PROGRAMS[name[8:]]()
    return {**QUICK, **SLOW}[name]()


def feeds(model: Any, values: dict[str, Any], dtype: str) -> dict[str, Any]:
    found = {}
    for each in model.graph.input:
        whole = each.type.tensor_type.elem_type == onnx.TensorProto.INT64
        found[each.name] = np.asarray(values[each.name]).astype("int64" if whole else dtype)
    return found


def run(model: Any, given: dict[str, Any]) -> Any:
    return onnxruntime.InferenceSession(model.SerializeToString()).run(None, given)[0]


def made(program: bp.Program, values: dict[str, Any], dtype: str) -> Any:
    state = of(program.states, values) if program.states else None
    return onnx_model(program, of(program.parameters, values), dtype, state)


@pytest.mark.parametrize("name", EVERY)
def test_runtimes_compute_what_the_equations_say(name: str) -> None:
    program, values = case(name)
    right = expected(program, values)
    single, double = (made(program, values, dtype) for dtype in ("float32", "float64"))
    assert error(run(single, feeds(single, values, "float32")), right) <= 1e-6
    given = feeds(double, values, "float64")
    evaluator = reference.ReferenceEvaluator(double)
    assert error(evaluator.run(None, given)[0], right) <= 1e-12
    # ONNX Runtime has all the operators of these files in float64, too.
    assert error(run(double, given), right) <= 1e-12


def test_linear_algebra_is_refused() -> None:
    program, values = PROGRAMS["systems"]()
    with pytest.raises(bp.UnsupportedError, match="is defined by linear algebra"):
        made(program, values, "float32")


@pytest.mark.parametrize("name", EVERY)
def test_what_is_read_back_computes_the_same(name: str) -> None:
    program, values = case(name)
    if name == "program turning":
        with pytest.raises(bp.UnsupportedError, match="known at run time only"):
            bp.from_onnx(made(program, values, "float64"))
        return
    again = bp.from_onnx(made(program, values, "float64"))
    assert again.output is not None
    given = {t.name: np.asarray(t.initial[1]) for t in again.parameters}
    given |= {t.name: values[t.name] for t in again.inputs}
    found = interpret(normalise(again), given)[again.output.name]
    assert error(found, expected(program, values)) <= 1e-12


def test_any_number_of_examples() -> None:
    program, values = QUICK["lstm"]()
    model = made(program, values, "float32")
    for examples in (1, 7):
        x = np.random.default_rng(1).normal(size=(examples, 5, 3))
        right = expected(program, {**values, "x": x})
        assert error(run(model, {"x": x.astype("float32")}), right) <= 1e-6


def test_operators_are_recognised_by_the_form_of_an_equation() -> None:
    def operators(name: str) -> set[str]:
        return {node.op_type for node in made(*case(name), "float32").graph.node}

    assert {"Conv", "Gemm"} <= operators("convolution")
    assert "MaxPool" in operators("pooling")
    assert {"Softmax", "MatMul", "Einsum"} <= operators("block")
    assert {"Scan", "Slice"} <= operators("lstm")
    # An equation that no layer wrote is a convolution all the same, and one that differs is none.
    for shift, found in ((1, True), (0, False)):
        n, i, j, p = bp.indices("n i j p", "N", 6, 5, 3)
        c, o = bp.indices("c o", 2, 4)
        x, F, z = bp.input("x", n, c, i), bp.parameter("F", p, o, c), bp.tensor("z", n, j, o)
        inside = (j + p - 1 >= 0) & (j + p - shift < 6)
        body = bp.Sum(bp.where(inside, x[n, c, j + p - 1], 0) * F[p, o, c], p, c)
        program = bp.Program([bp.Equation(z[n, j, o], body)], output=z)
        model = onnx_model(program, {"F": np.ones((3, 4, 2))})
        assert ("Conv" in {node.op_type for node in model.graph.node}) is found


def test_files_say_what_is_in_them(tmp_path: pathlib.Path) -> None:
    program, values = QUICK["mlp"]()
    path = bp.to_onnx(program, of(program.parameters, values), tmp_path / "a.onnx", outputs=["a1"])
    model = onnx.load(path)
    assert [each.name for each in model.graph.input] == ["x"]
    assert program.output is not None
    assert [each.name for each in model.graph.output] == [program.output.name, "a1"]
    assert {each.name for each in model.graph.initializer} == {"W1", "b1", "W2", "b2"}
    assert "z1[n, j] = Sum(W1[j, k]*x[n, k], k) + b1[j]" in model.graph.doc_string
    first = path.read_bytes()
    bp.to_onnx(program, of(program.parameters, values), path, outputs=["a1"])
    assert path.read_bytes() == first


def test_a_network_of_somebody_else_is_trained(tmp_path: pathlib.Path) -> None:
    program, values = network([bp.Dense(4, "tanh"), bp.Dense(2)], 3, "softmax_cross_entropy")()
    path = bp.to_onnx(program, of(program.parameters, values), tmp_path / "net.onnx", "float64")
    again = bp.from_onnx(path, loss="softmax_cross_entropy")
    assert again.tensor("y").kind == "distribution"
    given = {**values, "y": np.eye(2)[[0, 1, 1]]}
    found = []
    for each in (program, again):
        derived = gradient_program(each, stable=True).differentiated
        computed = interpret(derived, given)
        found.append({t.name: computed[adjoint.name] for t, adjoint in derived.gradients})
    ours, theirs = found
    assert ours.keys() == theirs.keys()
    assert all(error(theirs[name], ours[name]) <= 1e-15 for name in ours)


@pytest.mark.slow
def test_training_starts_from_the_numbers_of_a_file(tmp_path: pathlib.Path) -> None:
    program, values = QUICK["mlp"]()
    path = bp.to_onnx(program, of(program.parameters, values), tmp_path / "net.onnx", "float64")
    again = bp.from_onnx(path, loss="quadratic")
    assert bp.check(again).passed
    trainer = bp.compile(again, bp.SGD(0.5))
    assert all(np.array_equal(a, values[n]) for n, a in trainer.parameters._asdict().items())
    right = expected(program, values)
    assert error(trainer.predict(values["x"]), right) <= 1e-14
    goal = np.zeros_like(right)
    trainer.fit(values["x"], goal, epochs=20, batch_size=3)
    assert np.abs(trainer.predict(values["x"])).max() < np.abs(right).max() / 2


def graph_model(nodes: list[Any], inputs: dict[str, Any], arrays: dict[str, Any]) -> Any:
    helper, real = onnx.helper, onnx.TensorProto.FLOAT
    given = [helper.make_tensor_value_info(name, *each) for name, each in inputs.items()]
    result = [helper.make_tensor_value_info(nodes[-1].output[0], real, None)]
    stored = [onnx.numpy_helper.from_array(array, name) for name, array in arrays.items()]
    made = helper.make_graph(nodes, "g", given, result, stored)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 21)])


def test_shapes_with_a_number_of_examples_known_at_run_time() -> None:
    # As exporters write it: a shape from the first axis of another, and numbers.
    node, real = onnx.helper.make_node, onnx.TensorProto.FLOAT
    nodes = [
        node("Shape", ["x"], ["s"]),
        node("Gather", ["s", "zero"], ["n"]),
        node("Unsqueeze", ["n", "axis"], ["n1"]),
        node("Concat", ["n1", "six"], ["t"], axis=0),
        node("Reshape", ["x", "t"], ["y"]),
    ]
    arrays = {"zero": np.array(0), "axis": np.array([0]), "six": np.array([6])}
    program = bp.from_onnx(graph_model(nodes, {"x": (real, ["N", 2, 3])}, arrays))
    x = np.arange(12.0).reshape(2, 2, 3)
    assert np.array_equal(interpret(normalise(program), {"x": x})["y"], x.reshape(2, 6))


def test_tokens_that_are_moved_on_their_way() -> None:
    node, whole = onnx.helper.make_node, onnx.TensorProto.INT64
    nodes = [
        node("Unsqueeze", ["tokens", "axis"], ["moved"]),
        node("Cast", ["moved"], ["cast"], to=whole),
        node("Gather", ["table", "cast"], ["y"]),
    ]
    table = np.arange(8.0, dtype=np.float32).reshape(4, 2)
    model = graph_model(nodes, {"tokens": (whole, ["N"])}, {"axis": np.array([1]), "table": table})
    program = bp.from_onnx(model)
    found = interpret(normalise(program), {"tokens": np.array([3, 0]), "table": table})["y"]
    assert np.array_equal(found, table[[[3], [0]]])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda p, v: bp.to_onnx(p, v, "a.txt"), "ends in .onnx"),
        (lambda p, v: onnx_model(p, v, "float16"), "dtype 'float16'"),
        (lambda p, v: onnx_model(p, {"W1": v["W1"]}), "parameters: expected W1, b1, W2, b2"),
        (lambda p, v: onnx_model(p, {**v, "b1": np.ones(7)}), "b1: expected numbers of shape"),
        (lambda p, v: onnx_model(p, v, outputs=["C"]), "C depends on the target y"),
        (lambda p, v: onnx_model(p, v, outputs=["x"]), "x is not defined"),
        (lambda p, v: onnx_model("net", v), "expected a network or a program"),
        (lambda p, v: bp.from_onnx("there is none.onnx"), "cannot be read"),
        (lambda p, v: bp.from_onnx(__file__), "expected an ONNX file"),
        (lambda p, v: bp.from_onnx(onnx_model(p, v), output="z9"), "output: no value 'z9'"),
        (lambda p, v: bp.from_onnx(onnx_model(p, v), constants={"a": 1}), "no input 'a'"),
    ],
)
def test_errors_say_what_was_expected(call: Any, message: str) -> None:
    program, values = QUICK["mlp"]()
    with pytest.raises(bp.SymbpError, match=message):
        call(program, of(program.parameters, values))


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([("TopK", ["x", "k"], {})], "TopK n0: the operator has no counterpart"),
        ([("Reshape", ["x", "k"], {})], r"input k is computed.*constants=\{'k'"),
        ([("MaxPool", ["x"], {"kernel_shape": [2], "more": ["i"]})], "second output"),
    ],
)
def test_what_is_refused_is_named(nodes: list[Any], message: str) -> None:
    made = []
    for place, (kind, inputs, attributes) in enumerate(nodes):
        outputs = ["y", *attributes.pop("more", [])]
        made.append(onnx.helper.make_node(kind, inputs, outputs, f"n{place}", **attributes))
    given = {"x": (onnx.TensorProto.FLOAT, [2, 3, 4]), "k": (onnx.TensorProto.INT64, [1])}
    with pytest.raises(bp.UnsupportedError, match=message):
        bp.from_onnx(graph_model(made, given, {}))


def test_noise_at_inference_is_refused() -> None:
    n, i = bp.indices("n i", "N", 2)
    x, w, z = bp.input("x", n, i), bp.parameter("w", i), bp.tensor("z", n, i)
    e = bp.noise("e", n, i, at_inference="drawn")
    program = bp.Program([bp.Equation(z[n, i], w[i] * x[n, i] + e[n, i])], output=z)
    with pytest.raises(bp.UnsupportedError, match="e is drawn at inference"):
        onnx_model(program, {"w": np.ones(2)})


def test_without_the_package_one_line_says_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnx.helper", None)
    program, values = QUICK["mlp"]()
    with pytest.raises(bp.SymbpError, match=r"pip install symbp\[onnx\]"):
        onnx_model(program, of(program.parameters, values))
