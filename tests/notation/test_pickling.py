"""Programs and what they are made of survive pickle and copies, within and between processes."""

import copy
import multiprocessing
import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import symbp as bp
from symbp.calculus.normalise import normalise
from symbp.calculus.reverse import reverse
from symbp.compiler import module_source
from tests.programs import PROGRAMS

ROOT = Path(__file__).parents[2]


def again(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))


def cube(u: Any) -> Any:
    return u**3


def slope(u: Any) -> Any:
    return 3 * u**2


def test_a_tensor_and_an_index_come_back_as_themselves() -> None:
    i = bp.Index("i", 3)
    x = bp.parameter("x", i, symbol=r"\xi", initial=("normal", 0.5))
    for value in (i, x):
        assert again(value) is value
        assert copy.copy(value) is value
        assert copy.deepcopy(value) is value
    element = x[i]
    assert again(element) == element
    assert again(element).tensor is x
    assert again(element).serial == element.serial


def test_within_one_pickle_identity_holds_and_names_do_not_matter() -> None:
    i, j = bp.Index("i", 3), bp.Index("i", 3)
    a, b = bp.tensor("T", i), bp.tensor("T", i)
    assert a != b
    first, second, third, one, other = again((a, b, a[i] * b[j], i, j))
    assert first is a
    assert second is b
    assert (one, other) == (i, j)
    assert third == a[i] * b[j]


# One has a function that is a lambda, which pickle does not take.
@pytest.mark.parametrize("name", sorted(PROGRAMS.keys() - {"bilinear"}))
def test_a_program_that_comes_back_is_the_same_program(name: str) -> None:
    program = PROGRAMS[name]()[0]
    found = again(program)
    assert type(found) is type(program)
    assert str(found) == str(program)
    assert found.tensors == program.tensors
    assert all(a is b for a, b in zip(found.tensors, program.tensors, strict=True))
    assert found.equations == program.equations
    assert str(again(reverse(normalise(program)))) == str(reverse(normalise(found)))
    assert copy.copy(program) is program
    assert copy.deepcopy([program])[0] is program


def test_what_was_computed_on_demand_does_not_travel() -> None:
    program = bp.mlp(3, 2)
    assert program.tensors
    assert "tensors" not in program.__getstate__()


def test_networks_keep_their_layers_and_optimizers_their_settings() -> None:
    network = bp.Network(
        [bp.Dense(3, bp.function("cube", cube, slope, latex="c")), bp.Dense(2, "relu")],
        input=4, loss="softmax_cross_entropy", penalty=bp.L2(0.1), name="mine",
    )  # fmt: skip
    found = again(network)
    assert repr(found) == repr(network)
    assert found.layers == network.layers
    assert bp.derive(found).latex() == bp.derive(network).latex()
    assert module_source(found, again(bp.AdamW(0.1))) == module_source(network, bp.AdamW(0.1))


@pytest.mark.parametrize("copied", [again, copy.copy, copy.deepcopy])
def test_what_is_derived_can_be_sent_too(copied: Any) -> None:
    network = bp.mlp(2, 3, 2, loss="softmax_cross_entropy")
    derivation = bp.derive(network)
    for value in (
        derivation, derivation.bp1, derivation.steps(), bp.draw(network), bp.Adam(0.1),
        bp.trace("x*y + sin(x)", {"x": 1, "y": 2}), network.equations[0],
    ):  # fmt: skip
        assert str(copied(value)) == str(value)
    assert copied(derivation).text(form="index") == derivation.text(form="index")


def test_a_function_of_a_lambda_says_that_it_cannot_be_pickled() -> None:
    function = bp.function("square", lambda u: u**2)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(function)


# Other processes

SENDER = """
import pickle, sys
import symbp as bp
from symbp.compiler import module_source
from tests.notation.test_pickling import cube, slope
for _ in range(int(sys.argv[1])):
    bp.tensor("unrelated", bp.Index("i", 2))[0]
network = bp.Network([bp.Dense(3, bp.function("cube", cube, slope)), bp.Dense(2)], input=4)
texts = module_source(network, bp.Adam()), bp.derive(network).text(), str(network)
sys.stdout.buffer.write(pickle.dumps((network, network.tensors, texts)))
"""


def sent(before: int) -> bytes:
    command = [sys.executable, "-c", SENDER, str(before)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout


def test_programs_of_other_processes_are_neither_mistaken_for_one_another_nor_for_ones_own() -> (
    None
):
    mine = bp.Network([bp.Dense(3, bp.function("cube", cube, slope)), bp.Dense(2)], input=4)
    contents = [sent(0), sent(0)]  # what has the same numbers there has others here
    loaded = [pickle.loads(content) for content in contents]
    for content, (network, tensors, texts) in zip(contents, loaded, strict=True):
        # It is derived and compiled as it was there, whatever number things have here.
        assert module_source(network, bp.Adam()) == texts[0]
        assert bp.derive(network).text() == texts[1]
        assert str(network) == texts[2]
        assert all(a is b for a, b in zip(network.tensors, tensors, strict=True))
        # A second load gives the same tensors, and equal equations.
        twin, same, _ = pickle.loads(content)
        assert all(a is b for a, b in zip(same, tensors, strict=True))
        assert twin.equations == network.equations
        # It returns as what it is.
        assert again(network).tensors == network.tensors
    everything = [
        *mine.tensors,
        *(tensor for network, _, _ in loaded for tensor in network.tensors),
    ]
    assert len(set(everything)) == len(everything)
    indices = {index for tensor in everything for index in tensor.indices}
    assert len(indices) == 3 * len({index for tensor in mine.tensors for index in tensor.indices})
    # What is made from now on is younger than all of it.
    youngest = bp.tensor("T", bp.Index("i", 2))
    assert youngest.serial > max(tensor.serial for tensor in everything)


def answer(queue: Any) -> None:
    queue.put(pickle.dumps((os.getpid(), bp.tensor("T"), bp.Index("i", 3))))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_forked_processes_do_not_make_the_same_tensor() -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    processes = [context.Process(target=answer, args=(queue,)) for _ in range(2)]
    for process in processes:
        process.start()
    found = [pickle.loads(queue.get()) for _ in processes]
    for process in processes:
        process.join()
    mine = (os.getpid(), bp.tensor("T"), bp.Index("i", 3))
    assert len({process for process, _, _ in (*found, mine)}) == 3
    assert len({tensor for _, tensor, _ in (*found, mine)}) == 3
    assert len({index for _, _, index in (*found, mine)}) == 3


DERIVATION = """
import pickle, sys
import symbp as bp
derivation = bp.derive(bp.mlp(2, 3, 2))
texts = derivation.text(), derivation.latex(), [str(step) for step in derivation.steps()]
sys.stdout.buffer.write(pickle.dumps((derivation, texts)))
"""


def test_a_derivation_of_another_process_reads_as_it_does_there() -> None:
    command = [sys.executable, "-c", DERIVATION]
    content = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
    found, (text, latex, steps) = pickle.loads(content)
    assert found.text() == text
    assert found.latex() == latex
    assert [str(step) for step in found.steps()] == steps
