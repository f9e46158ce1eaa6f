"""Tensors and their elements: the leaves of every equation.

A :class:`Tensor` is a name, a tuple of indices (which give its shape) and a role; writing
``W[j, k]`` gives an :class:`Element`, an ordinary SymPy expression of real value.
"""

import functools
import keyword
import unicodedata
from typing import Any, Literal, NoReturn

import sympy
from sympy.core.expr import AtomicExpr, Expr

import symbp.notation.singular  # noqa: F401 - it announces the derivatives of powers
from symbp.notation.arithmetic import Written
from symbp.notation.errors import NotationError, OperandError
from symbp.notation.identity import Serials, home, remember, restored
from symbp.notation.index import Extent, Index
from symbp.notation.laws import Law
from symbp.notation.numpy_operands import plain_number
from symbp.notation.whole_numbers import text_of, whole_number

__all__ = [
    "ROLES",
    "Element",
    "Initial",
    "Kind",
    "Role",
    "Tensor",
]

Role = Literal["input", "target", "parameter", "constant", "state", "noise", "intermediate"]
ROLES: tuple[Role, ...] = Role.__args__  # type: ignore[attr-defined]
Kind = Literal["real", "integer", "classes", "distribution", "weight"]
KINDS: tuple[Kind, ...] = Kind.__args__  # type: ignore[attr-defined]
# The name of a law and its number; a Literal would refuse what a variable holds.
Initial = tuple[str, Any]

_tensor_serial = Serials()
_element_serial = Serials()


class Tensor(Written, AtomicExpr):
    r"""A named array of numbers.

    Parameters
    ----------
    name : str
        The name: a Python identifier, unique in a program.
    indices : tuple of Index
        Give the shape: one extent an axis. Empty for a scalar.
    role : {"input", "target", "parameter", "constant", "state", "noise", "intermediate"}
        What the tensor is in the program.
    symbol : str, optional
        How it prints (LaTeX), when that is not its name.
    label : int or str, optional
        The layer it belongs to, printed as a superscript.
    initial : tuple, optional
        How a parameter starts: ``("normal", standard deviation)``, ``("uniform", bound)`` or
        ``("constant", value)``. By default uniform in ±sqrt(1/number of columns), or zero for
        a vector or scalar.
    value : float, optional
        The value of a scalar constant; those of an optimizer can be changed between epochs.
    adjoint_symbol : str, optional
        How the derivative of the cost by it prints, such as ``\\delta``; else ``∂C/∂T``.
    adjoint_of : Tensor, optional
        Set by differentiation: the tensor whose adjoint this is.
    partial_of : tuple of Element, optional
        Set where a derivative is an operand: what of, then what by, in the tensor's own indices.
    component_of : tuple of Tensor and tuple of int, optional
        Set by unrolling: of which tensor this scalar is an element, and its place from 0.
    kind : {"real", "integer", "classes", "distribution", "weight"}
        ``integer`` tensors may stand inside an index. For targets, ``classes`` takes integer labels
        too, rows of a ``distribution`` sum to one, a ``weight`` is ``fit(…, sample_weight=)``.
    law : Law, optional
        How noise is distributed.
    trainable : bool, default True
        Whether training changes a parameter; see :meth:`symbp.Program.freeze` too.
    next_of : Tensor, optional
        Set by :func:`symbp.next_value`: the state that this becomes.
    """

    is_commutative = True
    is_real = True
    is_symbol = False
    name: str
    indices: tuple[Index, ...]
    role: Role
    symbol: str | None
    label: int | str | None
    initial: Initial | None
    value: float | None
    kind: Kind
    trainable: bool
    adjoint_symbol: str | None
    adjoint_of: "Tensor | None"
    partial_of: "tuple[Element, ...] | None"
    component_of: "tuple[Tensor, tuple[int, ...]] | None"
    law: Law | None
    next_of: "Tensor | None"
    serial: int
    home: str
    shape: tuple[Extent, ...]
    """The extent of each axis."""

    def __new__(
        cls,
        name: str,
        indices: tuple[Index, ...] = (),
        role: Role = "intermediate",
        *,
        symbol: str | None = None,
        label: int | str | None = None,
        initial: Initial | None = None,
        value: float | None = None,
        kind: Kind = "real",
        adjoint_symbol: str | None = None,
        adjoint_of: "Tensor | None" = None,
        partial_of: "tuple[Element, ...] | None" = None,
        component_of: "tuple[Tensor, tuple[int, ...]] | None" = None,
        law: Law | None = None,
        trainable: bool = True,
        next_of: "Tensor | None" = None,
    ) -> "Tensor":
        """Return a new tensor, unlike any other."""
        if not isinstance(name, str) or not name.isidentifier():
            raise NotationError(f"tensor name {name!r}: expected an identifier such as 'W1'")
        if name != unicodedata.normalize("NFKC", name):
            # Python reads names in this form: to it, ſ and s are one letter.
            normal = unicodedata.normalize("NFKC", name)
            raise NotationError(f"tensor name {name!r}: Python would read {normal!r}, write that")
        if role == "parameter" and (keyword.iskeyword(name) or name.startswith("_")):
            # It becomes a field of the generated module's Parameters.
            raise NotationError(
                f"parameter {name}: expected a name that is no Python word and starts with a "
                f"letter; how it prints can be set with symbol="
            )
        for what, text in (("symbol", symbol), ("adjoint_symbol", adjoint_symbol)):
            if text is not None and not (isinstance(text, str) and text.isprintable()):
                raise NotationError(f"tensor {name}: {what} {text!r}: expected printable text")
        if label is not None and not (isinstance(label, int) or str(label).isprintable()):
            raise NotationError(f"tensor {name}: label {label!r}: expected a number or text")
        for index in indices:
            if not isinstance(index, Index):
                raise NotationError(f"tensor {name}: expected indices, got {index!r}")
        if role not in ROLES:
            raise NotationError(f"tensor {name}: role {role!r}, expected one of {', '.join(ROLES)}")
        if kind not in KINDS:
            raise NotationError(f"tensor {name}: kind {kind!r}, expected one of {', '.join(KINDS)}")
        if initial is not None and not _is_initial(initial):
            raise NotationError(
                f"tensor {name}: initial {initial!r}, expected ('normal', standard deviation), "
                f"('uniform', bound) or ('constant', value)"
            )
        if not isinstance(trainable, bool) or not (trainable or role == "parameter"):
            raise NotationError(f"{role} {name}: trainable={trainable!r} is for parameters, a bool")
        self: Tensor = super().__new__(cls)
        self.name, self.indices, self.role = name, tuple(indices), role
        self.shape = tuple(index.extent for index in self.indices)
        self.symbol, self.label, self.initial, self.value = symbol, label, initial, value
        self.kind, self.law, self.trainable = kind, law, trainable
        self.adjoint_symbol = adjoint_symbol
        self.adjoint_of, self.partial_of = adjoint_of, partial_of
        self.component_of, self.next_of = component_of, next_of
        self.serial, self.home = next(_tensor_serial), home()
        return self

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.name, self.serial, self.home)

    # A process has one object of each, and asks whether it has seen it all the time.
    __eq__, __ne__, __hash__ = object.__eq__, object.__ne__, object.__hash__

    def sort_key(self, order: object = None) -> Any:
        """Return SymPy's key: name, then age, so that printed sums have one fixed order."""
        return self.class_key(), (2, (self.name, self.serial)), sympy.S.One.sort_key(), sympy.S.One

    @property
    def rank(self) -> int:
        """The number of axes."""
        return len(self.indices)

    def __getitem__(self, subscripts: Any) -> "Element":
        if not isinstance(subscripts, tuple):
            subscripts = (subscripts,)
        return Element(self, *subscripts)

    def __setitem__(self, subscripts: Any, value: Any) -> NoReturn:
        element = self[subscripts]
        raise OperandError(
            f"{element} = …: a tensor holds no numbers to be replaced; what it is to be is an "
            f"equation, bp.Equation({element}, …), in the list of bp.Program"
        )

    def __iter__(self) -> NoReturn:
        raise OperandError(
            f"{self.name} is a symbol and cannot be run through; {self.element} stands for each "
            f"of its elements, and bp.Sum, bp.Mean and bp.Max run over an index"
        )

    def __len__(self) -> int:
        raise OperandError(f"{self.name} is a symbol; its sizes are {self.name}.shape")

    def __bool__(self) -> bool:
        return True

    @property
    def element(self) -> "Element":
        """The element at the declared indices."""
        return Element(self, *self.indices)

    def like(self, name: str, role: Role = "intermediate", **changes: Any) -> "Tensor":
        """Return a tensor of the same shape with another name and role."""
        return Tensor(name, self.indices, role, **changes)

    def _sympystr(self, printer: object) -> str:
        return self.name

    def __copy__(self) -> "Tensor":
        return self

    def __deepcopy__(self, memo: object) -> "Tensor":
        return self

    def __reduce_ex__(self, protocol: Any) -> Any:
        remember(("tensor", self.serial, self.home), self)
        given = {field: getattr(self, field) for field in _FIELDS}
        return _restored_tensor, (self.serial, self.home, given)


class Element(Written, Expr):
    """One element ``T[e1, e2, …]`` of a tensor: a real scalar.

    A subscript is an affine expression with integer coefficients in indices (``2*i + d - 1``) and
    elements of integer tensors (``E[token[n, t], d]``, ``h[n, length[n] - 1]``), or such with ``%``
    and ``//`` by a number (``x[n, (i + 1) % 5]``, ``x[n, i // 2]``).
    """

    is_commutative = True
    is_real = True
    is_number = False
    is_element = True
    tensor: Tensor
    serial: float

    def __new__(cls, tensor: Tensor, *subscripts: Any, serial: float | None = None) -> "Element":
        """Return the element at checked subscripts."""
        if len(subscripts) != tensor.rank:
            raise NotationError(
                f"{tensor.name} has {tensor.rank} indices, got {len(subscripts)}: "
                f"{tensor.name}[{', '.join(map(str, subscripts))}]; write {_declared_as(tensor)}"
            )
        self: Element = super().__new__(cls, *(_subscript(tensor, s) for s in subscripts))
        self.tensor = tensor
        # Remembers when the user wrote it, so that terms print in the order they were written.
        self.serial = next(_element_serial) if serial is None else serial
        return self

    @property
    def func(self) -> Any:
        """Rebuild with other subscripts (SymPy's traversal calls ``func(*args)``)."""
        return functools.partial(Element, self.tensor, serial=self.serial)

    def _hashable_content(self) -> tuple[Any, ...]:
        return (self.tensor, *self.args)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        return (
            isinstance(other, Element) and self.tensor is other.tensor and self.args == other.args
        )

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = Expr.__hash__

    def sort_key(self, order: object = None) -> Any:
        """Return SymPy's key: the tensor, then the subscripts."""
        inner = tuple(argument.sort_key() for argument in self.args)
        # SymPy's key of a power of an element begins with its number of subscripts; 100 more
        # keeps the two apart, because names do not compare with subscripts.
        return (
            self.class_key(),
            (100 + len(inner), (self.tensor.name, self.tensor.serial, *inner)),
            sympy.S.One.sort_key(),
            sympy.S.One,
        )

    @functools.cached_property
    def is_plain(self) -> bool:
        """Whether the subscripts are distinct plain indices that run over their whole axes."""
        return self.is_inside and len(set(self.args)) == len(self.args)

    @functools.cached_property
    def is_inside(self) -> bool:
        """Whether each subscript is an index of its axis' extent, so that the element exists."""
        return all(
            isinstance(subscript, Index) and subscript.extent == extent
            for subscript, extent in zip(self.args, self.tensor.shape, strict=True)
        )

    def _sympystr(self, printer: Any) -> str:
        if not self.args:
            return self.tensor.name
        return f"{self.tensor.name}[{', '.join(map(text_of, self.args))}]"

    def _eval_is_integer(self) -> bool | None:
        return True if self.tensor.kind == "integer" else None

    def _eval_derivative(self, symbol: Any) -> Expr:
        return sympy.S.One if symbol == self else sympy.S.Zero

    def __reduce_ex__(self, protocol: Any) -> Any:
        return _restored_element, (self.tensor, self.args, self.serial)


_FIELDS = (
    "name", "indices", "role", "symbol", "label", "initial", "value", "kind", "adjoint_symbol",
    "adjoint_of", "partial_of", "component_of", "law", "trainable", "next_of",
)  # fmt: skip


def _restored_tensor(serial: int, home: str, given: dict[str, Any]) -> Tensor:
    def make() -> Tensor:
        made = Tensor(**given)
        made.serial, made.home = serial, home
        return made

    _tensor_serial.pass_over(serial)
    return restored(("tensor", serial, home), make)


def _restored_element(tensor: Tensor, subscripts: tuple[Any, ...], serial: float) -> Element:
    _element_serial.pass_over(serial)
    return Element(tensor, *subscripts, serial=serial)


def _declared_as(tensor: Tensor) -> str:
    axes = ", ".join(map(str, tensor.indices))
    return f"{tensor.name}[{axes}]" if axes else f"{tensor.name}, or {tensor.name}[()]"


def _subscript(tensor: Tensor, value: Any) -> Expr:
    if isinstance(value, Index):
        return value
    if isinstance(value, Tensor) and not value.rank:
        value = value.element
    try:
        expression = sympy.sympify(value, strict=True)
    except sympy.SympifyError:
        raise NotationError(
            f"subscript {value!r} of {tensor.name}: expected an index, an int or an expression "
            f"of indices"
        ) from None
    for element in expression.atoms(Element):
        if element.tensor.kind != "integer":
            raise NotationError(
                f"subscript {expression} of {tensor.name}: {element.tensor.name} is not an "
                f"integer tensor (declare it with kind='integer')"
            )
    whole = whole_number(expression)
    if whole is not None:
        return whole
    if expression.has(sympy.zoo, sympy.nan, sympy.oo):
        raise NotationError(f"a subscript of {tensor.name} is divided by zero, or by infinity")
    if not expression.free_symbols and not expression.atoms(Element):
        raise NotationError(f"subscript {value} of {tensor.name}: expected an integer")
    raise NotationError(
        f"subscript {expression} of {tensor.name}: expected an affine expression of indices and "
        f"integer data with integer coefficients, or such with % and // by a number"
    )


def _is_initial(value: Any) -> bool:
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        return False
    law, number = value
    if law == "constant" and isinstance(number, tuple):
        return True  # all elements, of bp.constant
    number = number if plain_number(number) is None else plain_number(number)
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        return False
    return law == "constant" or (law in ("normal", "uniform") and number >= 0)
