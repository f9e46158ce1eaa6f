"""Equations about other tensors are the same equations."""

import symbp as bp


def test_other_tensors_are_read_in_subscripts_too() -> None:
    n, d, v = bp.indices("n d v", "N", 4, 9)
    word, E, h = bp.input("word", n, kind="integer"), bp.parameter("E", v, d), bp.tensor("h", n, d)
    equation = bp.Equation(h[n, d], 2 * E[word[n], d] + E[0, d])
    token = bp.input("token", n, kind="integer")
    others = {word: token, E: bp.parameter("F", v, d), h: bp.tensor("g", n, d)}
    changed = equation.with_tensors(others)
    assert str(changed) == "g[n, d] = 2*F[token[n], d] + F[0, d]"
    assert str(equation.with_tensors({word: token})) == "h[n, d] = 2*E[token[n], d] + E[0, d]"
    assert equation.with_tensors({token: word}) is equation
