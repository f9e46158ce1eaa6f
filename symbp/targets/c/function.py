"""function: one public function: its arguments, its checks and its body."""

import re
import textwrap
from dataclasses import dataclass, field

import sympy

from symbp.entries.entry import Entry, Slot
from symbp.loops.gather import BATCH_SIZE, EXAMPLES
from symbp.notation.tensor import Tensor
from symbp.targets.c.lower import CAPACITY, lowered
from symbp.targets.c.names import Names, comment
from symbp.targets.c.places import Packed, Place, Struct, buffers_of
from symbp.targets.c.printer import INDENT, Printer
from symbp.targets.c.products import ProductWriter
from symbp.targets.c.strips import ROWS

__all__ = ["FunctionText", "Structs", "function_text"]


# Sizes that no memory limits.
_ANY = (ROWS, EXAMPLES)


@dataclass(frozen=True)
class Structs:
    """The structs that functions share."""

    parameters: Struct
    state: Struct
    hyperparameters: Struct
    noise: Struct


@dataclass(frozen=True)
class FunctionText:
    """A function's text and what a header says of it."""

    name: str
    text: str
    declaration: str
    buffers: Struct
    structs: tuple[Struct, ...]
    batched: bool


@dataclass
class _Signature:
    """The arguments of a function, in the order in which they are passed."""

    names: Names
    arguments: list[tuple[str, str, str]] = field(default_factory=list)
    """The declaration before the name, the name, and what is said of it."""

    def add(self, kind: str, wanted: str, about: str) -> str:
        """Add an argument and return its name."""
        name = self.names.unique(wanted)
        self.arguments.append((kind, name, about))
        return name


def function_text(
    entry: Entry, structs: Structs, prefix: str, dtype: str, batch: int, constant: bool
) -> FunctionText:
    """Return a function of an entry point.

    Parameters
    ----------
    entry : Entry
        What it reads, computes and writes.
    structs : Structs
        Those of the unit.
    prefix : str
        What public names start with.
    dtype : {"float32", "float64"}
        The precision.
    batch : int
        The most rows that there is memory for.
    constant : bool
        Whether the parameters are constants of the unit.
    """
    return _Writer(entry, structs, prefix, dtype, batch, constant).text()


class _Writer:
    """Writes one function."""

    def __init__(
        self, entry: Entry, structs: Structs, prefix: str, dtype: str, batch: int, constant: bool
    ) -> None:
        self.entry, self.structs, self.constant = entry, structs, constant
        self.prefix, self.dtype, self.batch = prefix, dtype, batch
        self.kind = "float" if dtype == "float32" else "double"
        self.limit = f"{prefix.upper()}_BATCH"
        self.used_structs: list[Struct] = []
        self.products = ProductWriter(dtype, batch)
        itemsize = self.products.itemsize
        self.function = lowered(entry, self.products.is_packed, batch, itemsize).function
        self.buffers, self.fields = buffers_of(self.function, f"{prefix}_{entry.name}_buffers")
        self.signature = _Signature(Names({"real", "cost", "buffers"}))
        self.places: dict[Tensor, Place] = {}
        self.sizes = {CAPACITY: self.limit}

    def text(self) -> FunctionText:
        """Return the text and the declaration."""
        self.arguments()
        printer = Printer(
            self.dtype, self.signature.names, self.places, self.sizes, self.products.lines
        )
        printer.body(self.function.body)
        if self.entry.returns is None:
            printer.line("return 0;")
        self.buffers = self.products.with_workspace(self.buffers)
        if self.buffers.fields:
            self.signature.arguments.append((f"{self.buffers.name} *", "buffers", ""))
        if self.entry.returns is not None:
            self.signature.arguments.append((f"{self.kind} *", "cost", "is set to the cost"))
        head = self.head(restrict=True)
        checks = self.checks()
        body = [*checks, *printer.lines]
        unused = [
            f"{INDENT}(void){name};"
            for _, name, _ in self.signature.arguments
            if not any(_mentions(line, name) for line in body)
        ]
        text = "\n".join([head, "{", *unused, *body, "}", ""])
        return FunctionText(
            self.entry.name,
            text,
            f"{self.about()}\n{self.head()};\n",
            self.buffers,
            tuple(self.used_structs),
            bool(self.function.sizes),
        )

    # Arguments --------------------------------------------------------------------------------

    def arguments(self) -> None:
        """Add the arguments of the slots, and note where their arrays lie."""
        arguments = iter(self.function.arguments)
        for slot in self.entry.slots:
            if slot.packed and not slot.tensors:
                continue
            array = next(arguments).array
            self.places[array] = self.packed(slot) if slot.packed else self.plain(array, slot.role)
        for argument in arguments:
            self.places[argument.array] = self.plain(argument.array, argument.role)
        for size in self.function.sizes:
            self.sizes[size] = self.signature.add("ptrdiff_t ", self.size_name(size), "")
        for tensor, place in self.fields.items():
            self.places[tensor] = Place(
                f"buffers->{place.name}", place.shape, single=not place.shape
            )

    def packed(self, slot: Slot) -> Place:
        """Add the struct of a packed slot."""
        known = {
            "parameters": self.structs.parameters,
            "gradients": self.structs.parameters,
            "state": self.structs.state,
            "hyperparameters": self.structs.hyperparameters,
            "noise": self.structs.noise,
        }
        struct = known[slot.name]
        if self.constant and slot.name == "parameters":
            return Packed(f"{self.prefix}_trained", (), struct=struct, member=".")
        self.used_structs.append(struct)
        constant = "const " if slot.role == "in" else ""
        about = {"in": "", "out": "is written", "inout": "is updated"}[slot.role]
        name = self.signature.add(f"{constant}{struct.name} *", slot.name, about)
        return Packed(name, (), struct=struct)

    def size_name(self, size: sympy.Symbol) -> str:
        """Return what a size is called in the signature."""
        return size.name if size in (ROWS, BATCH_SIZE, EXAMPLES) else "rows"

    def plain(self, tensor: Tensor, role: str) -> Place:
        """Add an array by itself."""
        constant = "const " if role == "in" else ""
        kind = "int32_t" if tensor.kind == "integer" else self.kind
        about = self.shape_text(tensor)
        if tensor in self.function.limits:
            limit = self.function.limits[tensor]
            about += f" whole numbers, each {f'below {limit.below}' if limit.low == 0 else limit}"
        if role != "in":
            about += ", is written"
        name = self.signature.add(f"{constant}{kind} *", tensor.name, about)
        return Place(name, tensor.shape) if tensor.rank else Place(f"(*{name})", (), single=True)

    def shape_text(self, tensor: Tensor) -> str:
        """Return the extents of an array in words."""
        if not tensor.rank:
            return "is one number"
        extents = [str(e) if isinstance(e, int) else self.size_name(e) for e in tensor.shape]
        return f"is {' x '.join(extents)}"

    def head(self, restrict: bool = False) -> str:
        """Return the function's first lines.

        The header says that what is written overlaps nothing else; that the arguments are
        restricted is for the definition alone, as C++ does not know the word.
        """
        word = "restrict " if restrict else ""
        given = [
            f"{kind}{word if kind.endswith('*') else ''}{name}"
            for kind, name, _ in self.signature.arguments
        ]
        # What belongs to one argument stays on one line.
        lines = textwrap.wrap(", ".join(text.replace(" ", "\0") for text in given), 92)
        lines = [line.replace("\0", " ") for line in lines]
        return f"int {self.prefix}_{self.entry.name}(\n    " + "\n    ".join(lines) + ")"

    def about(self) -> str:
        """Return what the header says of the function."""
        lines = [comment(self.entry.summary or self.entry.name)]
        lines += [f"{name} {about}." for _, name, about in self.signature.arguments if about]
        bounded = [n for s, n in self.sizes.items() if s in self.function.sizes and s not in _ANY]
        lines += [f"{name} is at most {self.limit}." for name in bounded]
        return "/* " + "\n   ".join(lines) + " */"

    # Checks -----------------------------------------------------------------------------------

    def checks(self) -> list[str]:
        """Return what ends the function before it writes anything."""
        lines = []
        for size in self.function.sizes:
            name = self.sizes[size]
            most = "" if size in _ANY else f" || {name} > {self.limit}"
            lines.append(f"{INDENT}if ({name} < 1{most}) {{")
            lines += [f"{INDENT * 2}return {self.prefix.upper()}_ROWS;", f"{INDENT}}}"]
        arguments = {argument.array for argument in self.function.arguments}
        for tensor, bounds in self.function.limits.items():
            if tensor not in arguments:
                continue
            tests = []
            below = bounds.below
            if bounds.low is not None:
                tests.append(f"< {bounds.low}")
            if below is not None:
                tests.append(f">= {below if isinstance(below, int) else self.sizes[below]}")
            name = self.places[tensor].text
            extents = [str(e) if isinstance(e, int) else self.sizes[e] for e in tensor.shape]
            count = " * ".join(extents) or "1"
            value = f"{name}[i]" if tensor.rank else name
            lines += [
                f"{INDENT}for (ptrdiff_t i = 0; i < {count}; ++i) {{",
                f"{INDENT * 2}if ({' || '.join(f'{value} {test}' for test in tests)}) {{",
                f"{INDENT * 3}return {self.prefix.upper()}_RANGE;",
                f"{INDENT * 2}}}",
                f"{INDENT}}}",
            ]
        return lines


def _mentions(line: str, name: str) -> bool:
    return re.search(rf"\b{name}\b", line) is not None
