"""decide: every decision of the compiler's second half, each a record with its reason.

A schedule never changes what is computed, only where and when. What is decided here is carried out
by passes that know no reasons.
"""

from collections.abc import Iterable
from typing import Any

from symbp.calculus.contract import typical_size
from symbp.calculus.matrix_products import is_innermost
from symbp.calculus.time_major import has_recurrence
from symbp.calculus.unrolled import operations
from symbp.entries.entry import Entry
from symbp.loops.accumulate_strips import strips_of
from symbp.loops.arrange import divided_shares, split_setup
from symbp.loops.dependence import Dependence
from symbp.loops.nodes import Assign, For, Function, Product
from symbp.loops.row_sums import count_of, is_long
from symbp.loops.shares import multiplies_rows
from symbp.loops.traverse import indices_of, reads_of
from symbp.notation.tensor import Element, Tensor
from symbp.schedules.limits import Limits
from symbp.schedules.product_rule import prefers_tiles
from symbp.schedules.schedule import Decision
from symbp.schedules.strip_length import has_positions, least_rows

__all__ = [
    "compiling", "in_rows", "in_tiles", "is_library", "large_batches", "layout",
    "may_work_in_strips", "read_in_place", "routine_of", "sizes", "strips", "sums",
    "unrolling", "without_rows",
]  # fmt: skip


def unrolling(entry: Entry, limits: Limits, by_element: bool) -> Decision:
    """Decide whether an entry point is written out by element.

    Parameters
    ----------
    entry : Entry
        Its program is finished.
    limits : Limits
        How many operations are worth it.
    by_element : bool
        Whether it is small enough, and which elements it reads is known before the data.
    """
    if entry.batch is None:
        return Decision("unrolling", "loops", "only a batch is worth writing out by element")
    if len(entry.sizes) > 1:
        return Decision("unrolling", "loops", several_sizes(entry))
    count = operations(entry.program)
    numbers = {"operations": count, "most": limits.most_operations}
    if count > limits.most_operations:
        return Decision("unrolling", "loops", "too many operations to write out", numbers)
    if not by_element:
        return Decision("unrolling", "loops", "the data decides which elements are read", numbers)
    reason = "few enough operations: parameters stay in registers"
    return Decision("unrolling", "written out", reason, numbers)


def several_sizes(entry: Entry) -> str:
    """Return why a schedule does without numbers that it needs."""
    return f"known at run time only: {', '.join(map(str, entry.sizes))}"


def sizes(entry: Entry) -> Decision:
    """Return the decision for programs with more sizes than the batch's that only arrays tell."""
    return Decision("rows", "whole batches", several_sizes(entry))


def layout(entry: Entry) -> Decision | None:
    """Decide how arrays of steps lie in memory; None for programs without a recurrence."""
    if entry.program.batch is None or not has_recurrence(entry.program):
        return None
    reason = "a step of a recurrence works on all examples: their rows are neighbours"
    return Decision("layout", "steps outermost", reason)


def without_rows() -> Decision:
    """Return the decision for a target that has no use for rows on their own."""
    return Decision("rows", "whole batches", "neither strips nor threads are to be used")


def in_rows(function: Function, limits: Limits, threads: bool) -> Decision:
    """Decide whether the rows of a batch run on their own: in strips, and divided among threads.

    Parameters
    ----------
    function : Function
        With its products in tiles.
    limits : Limits
        What the target can do: strips, or threads.
    threads : bool
        Whether the function is to be divided among threads, rather than called by any.
    """
    if any(sum(not isinstance(e, int) for e in t.shape) > 1 for t in function.allocations):
        return Decision("rows", "whole batches", "pairs of examples are coupled")
    dependence = Dependence(function)
    _, rest, _ = split_setup(function)
    shares = divided_shares(rest, dependence)
    if shares is None:
        return Decision("rows", "whole batches", "a statement cannot be divided along one index")
    if not any(map(multiplies_rows, shares)):
        return Decision("rows", "whole batches", "no matrix product has rows of the batch")
    found = (s for s in function.statements if isinstance(s, Product))
    library = [p for p in found if routine_of(p, limits, False).choice == "blas"]
    if library and not threads:
        reason = f"a library multiplies {library[0].target} faster, with all rows at once"
        return Decision("rows", "whole batches", reason)
    return Decision("rows", "in rows", "every statement can be divided along one index")


# A strip has at least so many rows: with fewer, packing the weights takes longer than is gained.
LEAST_STRIP = 24
# With positions of its own an example fills a strip; so many are worth a meeting of a team, and two
# to sixteen take the same time within 7 %.
FEWEST = 4
# Into how few of its buffers those of a network may fit, at most.
REUSED = 8
# So many rows are a usual batch, and longer strips than that gain nothing.
ENOUGH = 256
# Multiplications for each number that is kept for a row: with more, arithmetic takes longer than
# memory. Burgers' network of 8 layers of 20 units has 40, 64-256-256-10 has 200.
MOST_WORK = 80


def may_work_in_strips(entry: Entry, limits: Limits) -> bool:
    """Whether it is worth finding out if a batch is to be added up in strips.

    Parameters
    ----------
    entry : Entry
        Its program is contracted.
    limits : Limits
        How large the cache is.
    """
    batch = entry.program.batch
    if batch is None or entry.returns is None or not limits.cache or len(entry.sizes) > 1:
        return False  # how many numbers a row has is to be known
    rows = [e for e in entry.program.equations if e.lhs.tensor.rank and e.tensor.shape[0] == batch]
    numbers = sum({e.tensor: typical_size(e.tensor.shape[1:]) for e in rows}.values())
    work = sum(
        typical_size(index.extent for index in equation.domain if index.extent != batch)
        for equation in entry.program.equations
        if equation.reduce
    )
    # Of so many buffers one takes over the memory of others.
    fits = limits.cache >= LEAST_STRIP * numbers * limits.itemsize // REUSED
    fits = fits or has_positions(entry)
    return fits and work <= MOST_WORK * numbers and not _fit(numbers, limits)


def _fit(numbers: int, limits: Limits) -> bool:
    return ENOUGH * numbers * limits.itemsize <= limits.cache


def strips(function: Function, batch: Any, limits: Limits) -> Decision:
    """Decide whether a batch is added up in strips, all numbers of which stay in the cache.

    Parameters
    ----------
    function : Function
        Of one batch, its buffers as few as they can be.
    batch : Symbol
        The number of rows.
    limits : Limits
        How large the cache is.

    Returns
    -------
    Decision
        Its numbers hold the rows of a strip.
    """
    kept = [tensor for tensor in function.allocations if tensor.rank and tensor.shape[0] == batch]
    numbers = sum(typical_size(t.shape[1:]) for t in kept)
    work = sum(
        typical_size(span.index.extent for span in product.spans if span.end != batch)
        for product in function.statements
        if isinstance(product, Product)
    )
    least = least_rows(function, batch, LEAST_STRIP)
    rows = limits.cache // max(1, numbers * limits.itemsize)
    rows = rows // 8 * 8 if rows >= LEAST_STRIP else max(rows, FEWEST)
    told = {"numbers of a row": numbers, "multiplications of a row": work, "rows": rows}
    if _fit(numbers, limits):
        return Decision("strips", "none", f"{ENOUGH} rows fit into the cache", told)
    if rows < least:
        return Decision("strips", "none", "too few rows would fit into the cache", told)
    if work > MOST_WORK * numbers:
        return Decision("strips", "none", "arithmetic takes longer than memory", told)
    parts = strips_of(function, batch)
    if isinstance(parts, str):
        return Decision("strips", "none", parts, told)
    reason = "deep and narrow: memory takes longer than arithmetic"
    if rows < LEAST_STRIP:
        reason = f"each row has many positions: {least} in a strip are enough to pack weights for"
    return Decision("strips", "added up in strips", reason, told)


def sums(
    entry: Entry, itemsize: int, few: int, most: int | None = None, written_out: bool = False
) -> Decision:
    """Decide whether sums over the rows of a batch are added up in blocks.

    Parameters
    ----------
    entry : Entry
        Whose sums.
    itemsize : int
        Bytes of a number.
    few : int
        Up to how many rows are added up as they come.
    most : int, optional
        The most rows that a batch can have, where that is known.
    written_out : bool
        Whether it is an epoch that is written out by element.
    """
    numbers = {"rows": few}
    if itemsize > 4:
        return Decision("sums", "as they come", "double precision has digits to spare", numbers)
    if written_out and few:
        reason = f"all in registers for up to {few} rows; larger batches have a function beside it"
        return Decision("sums", "as they come", reason, numbers)
    if len(entry.sizes) > 1:
        return Decision("sums", "as they come", several_sizes(entry), numbers)
    if entry.program.batch is None:
        return Decision("sums", "as they come", "there is no batch", numbers)
    if most is not None and most <= few:
        return Decision("sums", "as they come", f"a batch has {most} rows at most", numbers)
    return Decision("sums", "in blocks", "single precision, and any number of rows", numbers)


def is_library(product: Product) -> bool:
    """Whether a library computes a product; it knows of no blocks."""
    return product.routine == "blas"


def large_batches(limits: Limits) -> Decision:
    """Decide what trains on batches that have more rows than one sum may take in.

    Of an epoch that is written out by element. Some dozens of wide sums besides the registers of a
    step take up to three times as long, also where no batch is large.

    Parameters
    ----------
    limits : Limits
        How many rows are few.
    """
    few = limits.blocks.few
    numbers = {"rows": few}
    if limits.itemsize > 4 or not few:
        return Decision("large batches", "the same function", "its sums are exact enough", numbers)
    reason = "wide sums take registers that every step needs"
    return Decision("large batches", "a function beside it", reason, numbers)


def compiling(written_out: bool, limits: Limits) -> Decision:
    """Decide what compiles the functions of a module whose epoch is written out, or is not.

    Past the front end a compilation takes a third of the time or less, and a step is as fast; what
    does it is 1200 lines of a module. They are left out where a small network's module is to be
    read.

    Parameters
    ----------
    written_out : bool
        Whether the epoch is written out by element.
    limits : Limits
        Whether the front end may do it.
    """
    if written_out and limits.front_end:
        reason = "small: what compiles its kernels faster would be longer than the module"
        return Decision("compiling", "by the front end", reason)
    return Decision("compiling", "as instructions", "in a third of the front end's time")


def in_tiles(product: Product, limits: Limits) -> bool:
    """Whether tiles compute a product over many rows that a library computes over few.

    Parameters
    ----------
    product : Product
        Whose sums are cut into blocks.
    limits : Limits
        How many multiplications a call of the library is worth for a block.
    """
    long = [span for span in product.summed if is_long(span)]
    terms = count_of(span for span in product.summed if span not in long)
    others = count_of(span for span in product.spans if not is_long(span))
    rows = max(1, limits.blocks.multiplied // terms)
    return not product.columns or others * rows < limits.library_block


def routine_of(product: Product, limits: Limits, only_tiles: bool) -> Decision:
    """Decide what computes a matrix product.

    Parameters
    ----------
    product : Product
        Over whole arrays.
    limits : Limits
        Whether there is a library, and the size of a number.
    only_tiles : bool
        Whether it is multiplied a few rows at a time.
    """
    extents = {
        name: typical_size(span.index.extent for span in group)
        for name, group in (
            ("rows", product.rows), ("columns", product.columns), ("summed", product.summed)
        )
    }  # fmt: skip
    what = f"product {product.target}"
    if product.first is None:
        return Decision(what, "tiles", "column sums stay in registers", extents)
    if only_tiles or not limits.blas:
        return Decision(what, "tiles", "its sums must not depend on the number of rows", extents)
    if not product.columns:
        return Decision(what, "blas", "a matrix times a vector", extents)
    transpose_a = not is_innermost(product.first, indices_of(product.summed))
    transpose_b = not is_innermost(product.second, indices_of(product.columns))
    m, n, k = extents.values()
    if prefers_tiles(transpose_a, transpose_b, m, n, k, limits.itemsize):
        return Decision(what, "tiles", "small: a call of BLAS takes longer", extents)
    return Decision(what, "blas", "large, or with narrow rows", extents)


def read_in_place(function: Function, arguments: Iterable[Tensor]) -> frozenset[Tensor]:
    """Return the arguments whose batches are not copied, as their readers look up the rows.

    Products in tiles read the rows of an operand one after another, and a plain copy reads each
    element once.

    Parameters
    ----------
    function : Function
        Of one batch that is gathered, with its products.
    arguments : iterable of Tensor
        Arrays of the batch, those of other shapes too.
    """
    candidates = {t for t in arguments if t.rank > 1 and t.kind != "integer"}
    for statement in function.statements:
        for element in reads_of(statement):
            if element.tensor not in candidates:
                continue
            once = isinstance(statement, Assign) and statement.value == element
            by_rows = isinstance(statement, Product) and _by_rows(statement, element)
            if not once and not by_rows:
                candidates.discard(element.tensor)
    for loop in function.statements:
        # Of the products in loops of their own none picks rows.
        if isinstance(loop, For):
            for statement in loop.body:
                if isinstance(statement, Product):
                    candidates -= {e.tensor for e in reads_of(statement)}
    return frozenset(candidates)


def _by_rows(product: Product, element: Element) -> bool:
    """Whether a product reads an element's rows one after another, each along memory."""
    if product.first is None or not product.columns or not element.is_plain:
        return False
    if sum(read.tensor is element.tensor for read in reads_of(product)) > 1:
        return False
    row, rest = element.args[:1], element.args[1:]
    if element == product.first:
        return (indices_of(product.rows), indices_of(product.summed)) == (row, rest)
    return (indices_of(product.summed), indices_of(product.columns)) == (row, rest)
