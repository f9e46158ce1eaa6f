"""What a matrix product in tiles consists of, as LLVM functions over pointers and strides.

A tile of C by broadcasting (an element of A times a run of B's row), a tile by dot products (runs
along k of rows of A and of rows of B), the packing of B^T for the first, and C = beta C.
Sums are fused multiply-adds in the order of k, or of k modulo the vector's length and then a
fixed tree: neither depends on where in C, or among which other rows, an element lies.
"""

from __future__ import annotations

from typing import Any, Literal

from llvmlite import ir

from symbp.targets.numba.runtime.tile_builder import VECTOR_BITS, TileBuilder, known, whole

Picked = Literal["", "a", "b", "b, ahead"]
"""Of which matrix the rows are given by their numbers, and whether the next ones are known too."""


def broadcast_tile(
    rows: int,
    vectors: int,
    lanes: int,
    picked: Picked,
    in_part: bool,
    tile: TileBuilder,
    k: Any,
    a: Any,
    row_step: Any,
    step: Any,
    b: Any,
    b_step: Any,
    alpha: Any,
    keep: Any,
    d: Any,
    ldd: Any,
    c: Any,
    ldc: Any,
    *rest: Any,
) -> None:
    """Emit C = alpha A B, or + D where `keep` says so, for a tile of some rows and vectors.

    The steps are the distances in A from row to row and from k to k, in B from k to k. If the rows
    of A or of B are `picked`, the rest begins with their numbers, and those of the rows that will
    be read next. With `in_part` it ends with a number of columns: only so many exist, and the last
    vector is read and written in part.
    """
    numbers = rest[0] if picked else None
    later = rest[1] if picked == "b, ahead" else None
    columns = rest[-1] if in_part else None
    of_b = picked in ("b", "b, ahead")
    if picked == "a":
        offsets = [tile.multiply(tile.number(numbers, row), row_step) for row in range(rows)]
    else:
        offsets = [tile.multiply(whole(row), row_step) for row in range(rows)]
    mask = None
    if columns is not None:
        mask = tile.first_lanes(tile.subtract(columns, whole((vectors - 1) * lanes)), lanes)
    masks = [None] * (vectors - 1) + [mask]

    def body(sums: list[Any], pointers: list[Any]) -> list[Any]:
        from_a, from_b, *soon = pointers
        if soon:
            row = tile.at(b, tile.multiply(tile.number(soon[0], 0), b_step))
            for v in range(vectors):
                tile.prefetch(tile.at(row, whole(v * lanes)))
        if of_b:
            from_b = tile.at(b, tile.multiply(tile.number(from_b, 0), b_step))
        runs = [
            tile.load(tile.at(from_b, whole(v * lanes)), lanes, masks[v]) for v in range(vectors)
        ]
        results = []
        for row in range(rows):
            element = tile.builder.load(tile.at(from_a, offsets[row]), typ=tile.real)
            factor = tile.splat(element, lanes)
            for v in range(vectors):
                results.append(tile.multiply_add(factor, runs[v], sums[row * vectors + v]))
        return results

    zeros = [ir.Constant(tile.vector(lanes), None)] * (rows * vectors)
    along_b = [(b, b_step)]
    if of_b:
        along_b = [(those, tile.words(1)) for those in (numbers, later) if those is not None]
    sums, _ = tile.accumulate(k, zeros, [(a, step), *along_b], body)
    in_rows = [sums[row * vectors : (row + 1) * vectors] for row in range(rows)]
    write_rows(tile, in_rows, mask, alpha, keep, d, ldd, c, ldc)


def dot_tile(
    rows: int,
    columns: int,
    picked: Picked,
    tile: TileBuilder,
    k: Any,
    a: Any,
    lda: Any,
    b: Any,
    ldb: Any,
    alpha: Any,
    keep: Any,
    d: Any,
    ldd: Any,
    c: Any,
    ldc: Any,
    *numbers: Any,
) -> None:
    """Emit C = alpha A B^T, or + D where `keep` says so, for a tile of rows of A and of B.

    If the rows of A are `picked`, their numbers are the last argument.
    """
    lanes = tile.lanes
    offsets = [
        [tile.multiply(whole(row), step) for row in range(count)]
        for count, step in ((rows, lda), (columns, ldb))
    ]
    if picked:
        offsets[0] = [tile.multiply(tile.number(numbers[0], row), lda) for row in range(rows)]

    def body(sums: list[Any], pointers: list[Any], mask: Any = None) -> list[Any]:
        left, right = (
            [tile.load(tile.at(pointer, offset), lanes, mask) for offset in row_offsets]
            for pointer, row_offsets in zip(pointers, offsets, strict=True)
        )
        return [
            tile.multiply_add(left[row], right[column], sums[row * columns + column])
            for row in range(rows)
            for column in range(columns)
        ]

    zeros = [ir.Constant(tile.vector(lanes), None)] * (rows * columns)
    steps = tile.divide(k, whole(lanes))
    pointers = [(a, whole(lanes)), (b, whole(lanes))]
    sums, ends = tile.accumulate(steps, zeros, pointers, body)
    rest = tile.subtract(k, tile.multiply(steps, whole(lanes)))
    if known(rest) != 0:
        sums = body(sums, ends, tile.first_lanes(rest, lanes))
    # The sums go through memory, so that what adds up one row's is compiled once.
    vector = tile.vector(lanes)
    with tile.builder.goto_entry_block():
        memory = tile.builder.alloca(ir.ArrayType(vector, rows * columns))
        memory.align = VECTOR_BITS // 8
        memory.type = ir.PointerType()
    for position, total in enumerate(sums):
        tile.store(total, tile.at(memory, whole(position * lanes)))
    with tile.loop(whole(rows)) as row:
        start = tile.at(memory, tile.multiply(row, whole(columns * lanes)))
        in_row = [
            tile.load(tile.at(start, whole(column * lanes)), lanes) for column in range(columns)
        ]
        old, place = (tile.at(p, tile.multiply(row, step)) for p, step in ((d, ldd), (c, ldc)))
        write_rows(tile, [[totals_of(tile, in_row)]], None, alpha, keep, old, ldd, place, ldc)


def totals_of(tile: TileBuilder, sums: list[Any]) -> Any:
    """Return a vector with the total of each of some vectors.

    The halves of two vectors are added to make one, until there is one, which holds totals only.
    """
    width = tile.lanes
    vectors = [(value, [position] * width) for position, value in enumerate(sums)]
    while width > 1:
        halves = [
            [lane for lane in range(tile.lanes) if lane // (width // 2) % 2 == half]
            for half in (0, 1)
        ]
        merged = []
        for index in range(0, len(vectors), 2):
            first, places = vectors[index]
            second, others = vectors[min(index + 1, len(vectors) - 1)]
            low, high = ([*lanes, *(tile.lanes + lane for lane in lanes)] for lanes in halves)
            if width <= 16 // tile.itemsize:  # pairs within 16 bytes take one instruction
                low, high = (in_sixteen_bytes(lanes, tile.itemsize) for lanes in (low, high))
            total = tile.builder.fadd(
                tile.shuffle(first, second, low), tile.shuffle(first, second, high)
            )
            both = places + others
            merged.append((total, [both[lane] for lane in low]))
        vectors, width = merged, width // 2
    total, places = vectors[0]
    if len(vectors) > 1:  # of two lanes: more totals than fit into a vector
        second, more = vectors[1]
        total, places = tile.shuffle(total, second, range(2 * tile.lanes)), places + more
    return tile.shuffle(total, total, [places.index(position) for position in range(len(sums))])


def in_sixteen_bytes(lanes: list[int], itemsize: int) -> list[int]:
    """Order lanes, first those of one vector, then of the other, by turns within 16 bytes."""
    half, group = len(lanes) // 2, 16 // itemsize // 2
    return [
        lane
        for start in range(0, half, group)
        for part in (lanes[:half], lanes[half:])
        for lane in part[start : start + group]
    ]


def write_rows(
    tile: TileBuilder,
    rows: list[list[Any]],
    mask: Any,
    alpha: Any,
    keep: Any,
    d: Any,
    ldd: Any,
    c: Any,
    ldc: Any,
) -> None:
    """Write C = alpha sums, or + D where `keep` says so, for the rows of a tile."""
    lanes = rows[0][0].type.count
    factor, nothing = tile.splat(alpha, lanes), ir.Constant(tile.vector(lanes), None)
    results = []
    for row, sums in enumerate(rows):
        old_row, new_row = (
            tile.at(p, tile.multiply(whole(row), step)) for p, step in ((d, ldd), (c, ldc))
        )
        for position, total in enumerate(sums):
            old, place = (tile.at(p, whole(position * lanes)) for p in (old_row, new_row))
            inside = mask if position == len(sums) - 1 else None
            # What D holds is read in any case, but is without effect where it is not kept.
            before = tile.builder.select(keep, tile.load(old, lanes, inside), nothing)
            results.append((tile.multiply_add(factor, total, before), place, inside))
    # Not sooner: a processor waits with a load until an overlapping store is done, even if the
    # lanes in which they overlap are not written.
    for result, place, inside in results:
        tile.store(result, place, inside)


def scale_matrix(tile: TileBuilder, m: Any, n: Any, beta: Any, c: Any, ldc: Any) -> None:
    """Emit C = beta C."""
    with tile.loop(m) as row, tile.loop(n) as column:
        place = tile.at(c, tile.multiply(row, ldc), column)
        value = tile.builder.load(place, typ=tile.real)
        tile.builder.store(tile.builder.fmul(beta, value), place)


def copy_rows(
    width: int, lanes: int, picked: Picked, tile: TileBuilder, k: Any, b: Any, ldb: Any, panel: Any,
    columns: Any, *lists: Any,
) -> None:  # fmt: skip
    """Copy k rows of B, or those that are `picked` by a list, into a panel as wide as a tile.

    Beyond the given number of columns the panel is zero. A second list has the numbers of rows
    that are to be loaded soon.
    """
    masks = [
        tile.first_lanes(tile.subtract(columns, whole(v * lanes)), lanes) for v in range(width)
    ]
    with tile.loop(k) as row:
        numbers = [tile.at(those, tile.multiply(row, tile.words(1))) for those in lists]
        places = [tile.number(number, 0) for number in numbers] if picked == "b" else [row]
        for v in range(width):
            here, *soon = (
                tile.at(b, tile.multiply(place, ldb), whole(v * lanes)) for place in places
            )
            for later in soon:
                tile.prefetch(later)
            target = tile.at(panel, tile.multiply(row, whole(width * lanes)), whole(v * lanes))
            tile.store(tile.load(here, lanes, masks[v]), target)


def pack_transposed(
    lanes: int, tile: TileBuilder, columns: Any, k: Any, b: Any, ldb: Any, panel: Any, width: Any
) -> None:
    """Copy B^T, stored as `columns` rows of k, into a panel with a row for each k.

    The panel's rows are `width` long; what is beyond the columns there is without meaning.
    """
    builder = tile.builder
    piece = min(lanes, 16 // tile.itemsize)  # transposed within 16 bytes
    last = tile.subtract(columns, whole(1))

    def transpose(offsets: list[Any], source: Any, target: Any) -> None:
        parts = []
        for i in range(piece):
            part = [
                tile.load(tile.at(source, offsets[block + i]), piece)
                for block in range(0, lanes, piece)
            ]
            while len(part) > 1:
                size = part[0].type.count * 2
                part = [
                    tile.shuffle(part[p], part[p + 1], range(size)) for p in range(0, len(part), 2)
                ]
            parts.append(part[0])
        unit = piece // 2
        # Blocks of `unit` are exchanged between vectors `unit` apart.
        while unit:
            for i in range(piece):
                if i & unit:
                    continue
                first, second = parts[i], parts[i + unit]
                low = [(lane if not lane & unit else lanes + lane - unit) for lane in range(lanes)]
                high = [(lane + unit if not lane & unit else lanes + lane) for lane in range(lanes)]
                parts[i] = tile.shuffle(first, second, low)
                parts[i + unit] = tile.shuffle(first, second, high)
            unit //= 2
        for i in range(piece):
            tile.store(parts[i], tile.at(target, tile.multiply(whole(i), width)))

    with tile.loop(columns, lanes) as column:
        rows = [tile.smaller(tile.add(column, whole(lane)), last) for lane in range(lanes)]
        offsets = [tile.multiply(row, ldb) for row in rows]
        long_enough = builder.icmp_signed(">=", k, whole(piece))
        with builder.if_else(long_enough) as (in_pieces, one_by_one):
            with in_pieces, tile.loop(k, piece) as index:
                # The last piece may overlap the one before it, which writes the same again.
                first = tile.smaller(index, tile.subtract(k, whole(piece)))
                target = tile.at(panel, tile.multiply(first, width), column)
                transpose(offsets, tile.at(b, first), target)
            with one_by_one, tile.loop(k) as index:
                for lane, offset in enumerate(offsets):
                    value = builder.load(tile.at(b, offset, index), typ=tile.real)
                    place = tile.at(panel, tile.multiply(index, width), column, whole(lane))
                    builder.store(value, place)
