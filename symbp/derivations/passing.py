"""passing: quantities that normalising introduced and that a derivation need not speak of.

A sum inside an equation, ``z = Σ W x + τ`` with ``τ = Σ U h``, and the logarithm of a softmax: what
comes through them to an adjoint is said of the equation that its author wrote.
"""

from collections.abc import Mapping, Sequence

from symbp.derivations.through import Through, composed, through
from symbp.notation.equation import Equation
from symbp.notation.reductions import Sum
from symbp.notation.tensor import Tensor

__all__ = ["passed_over", "without_sums"]

Groups = dict[Tensor, list[Equation]]


def without_sums(
    groups: Mapping[Tensor, list[Equation]],
    normal: Mapping[Tensor, Sequence[Equation]],
    kept: Mapping[Tensor, Equation],
    cost: Tensor,
) -> Groups:
    """Return the contributions to each adjoint without those of sums that were taken out.

    Parameters
    ----------
    groups : mapping of Tensor to list of Equation
        The contributions to each adjoint.
    normal : mapping of Tensor to sequence of Equation
        The normalised forward equations.
    kept : mapping of Tensor to Equation
        Those whose tensors are printed.
    cost : Tensor
        What is differentiated.
    """
    result = dict(groups)
    for adjoint, group in groups.items():
        between = adjoint.adjoint_of
        made = normal.get(between, ()) if between is not None else ()
        group = result[adjoint]
        if between in kept or len(group) != 1 or len(made) != 1:
            continue
        use = group[0].origin.source
        if use is None or use.tensor is cost or not _is_sum(made[0]):
            continue
        changed = _composed(result, group[0], adjoint, made[0].tensor)
        if changed is not None:
            result.update(changed)
            del result[adjoint]
    return result


def _composed(groups: Groups, only: Equation, adjoint: Tensor, between: Tensor) -> Groups | None:
    changed: Groups = {}
    for reached, contributions in groups.items():
        if not any(_comes_from(each, between) for each in contributions):
            continue
        new: list[Equation] = []
        for each in contributions:
            found = composed(each, only, adjoint) if _comes_from(each, between) else each
            if found is None:
                return None
            new.append(found)
        changed[reached] = new
    return changed


def passed_over(
    groups: Mapping[Tensor, Sequence[Equation]],
    introduced: Mapping[Tensor, Tensor],
    kept: Mapping[Tensor, Equation],
) -> dict[Tensor, Through]:
    """Return the quantities that are introduced, and how an adjoint is reached without them.

    Parameters
    ----------
    groups : mapping of Tensor to sequence of Equation
        The contributions to each adjoint.
    introduced : mapping of Tensor to Tensor
        By what tensors the introduced ones print.
    kept : mapping of Tensor to Equation
        The equations whose tensors are printed.
    """
    result: dict[Tensor, Through] = {}
    adjoints = {adjoint.adjoint_of: adjoint for adjoint in groups}
    for between in introduced:
        adjoint = adjoints.get(between)
        group = groups[adjoint] if adjoint is not None else ()
        use = group[0].origin.source if len(group) == 1 else None
        if between.adjoint_of is not None or use is None or use.tensor not in kept:
            continue
        reached = [
            (each, contributions)
            for each, contributions in groups.items()
            if any(_comes_from(c, between) for c in contributions)
        ]
        if len(reached) != 1:
            continue
        ((target, contributions),) = reached
        source = target.adjoint_of
        if source is None or source not in kept:
            continue
        if any(c.origin.source is None for c in contributions):
            continue
        found = through(kept[source].defined, contributions, group, use)
        if found is not None:
            result[between] = found
    return result


def _is_sum(equation: Equation) -> bool:
    reduced = bool(equation.reduce) and equation.operation == "sum"
    return not equation.is_scatter and (reduced or isinstance(equation.body, Sum))


def _comes_from(contribution: Equation, tensor: Tensor) -> bool:
    source = contribution.origin.source
    return source is not None and source.tensor is tensor
