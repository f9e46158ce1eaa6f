"""translate: the vector maths of generated modules as C, from the same source.

The functions of ``vector_maths_*.py`` and the files beside it in ``symbp/targets/numba/runtime``
are written in a small part of Python: assignments, conditional expressions, calls of one another,
integer arithmetic on the bits of a number. ``python -m symbp.targets.c.translate`` writes them to
``runtime/maths_*.c``; constants and error bounds are measured once, for both.
"""

import ast
import math
import re
import textwrap
from importlib import resources
from pathlib import Path
from typing import Any

from symbp.notation.errors import UnsupportedError

__all__ = ["PREFIX", "translated"]

PREFIX = "symbp_"
_FILES = (
    "vector_maths_{}.py", "activations_{}.py", "trigonometry_{}.py", "special_functions_{}.py",
)  # fmt: skip
# Operations of the source that C has words of its own for.
_PRIMITIVES = {
    "to_bits", "from_bits", "fused_multiply_add", "polynomial", "maximum", "reinterpret",
}  # fmt: skip
_HEAD = """\
/* Elementary functions of one number without branches, which a compiler vectorises.

   Written by `python -m symbp.targets.c.translate` from the vector maths of the Numba modules;
   what is pasted is what a translation unit uses. Bits are unsigned: their sums wrap around. */
"""
_OPERATORS: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.LShift: "<<", ast.RShift: ">>",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^",
}  # fmt: skip
_COMPARISONS: dict[type, str] = {
    ast.Lt: "<", ast.Gt: ">", ast.LtE: "<=", ast.GtE: ">=", ast.Eq: "==",
}  # fmt: skip


def translated(dtype: str) -> str:
    """Return the C source of the vector maths of one precision.

    Parameters
    ----------
    dtype : {"float32", "float64"}
        Which of the two sources.
    """
    folder = resources.files("symbp") / "targets" / "numba" / "runtime"
    translation = _Translation(dtype)
    for name in _FILES:
        translation.read(folder.joinpath(name.format(dtype)).read_text(encoding="utf-8"))
    return translation.text()


class _Translation:
    """Holds the constants and functions read so far."""

    def __init__(self, dtype: str) -> None:
        self.single = dtype == "float32"
        self.bits = "uint32_t" if self.single else "uint64_t"
        self.constants: dict[str, Any] = {}
        self.parts: dict[str, str] = {}
        self.fused = False

    def text(self) -> str:
        """Return the whole file: what is read by others first."""
        return "\n".join([_HEAD, *self.parts.values()])

    def read(self, source: str) -> None:
        """Take over the constants and functions of one file."""
        for node in ast.parse(source).body:
            if isinstance(node, ast.Assign):
                self.constant(node)
            elif isinstance(node, ast.FunctionDef) and node.name not in _PRIMITIVES:
                self.function(node)

    # Constants --------------------------------------------------------------------------------

    def constant(self, node: ast.Assign) -> None:
        """Note the constants of an assignment such as ``A, B = np.float32(1.0), 64 << 23``."""
        (target,) = node.targets
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=True)
        else:
            pairs = zip([target], [node.value], strict=True)
        for name, value in pairs:
            assert isinstance(name, ast.Name)
            if name.id != "elementwise":
                self.constants[name.id] = self.number(value)

    def number(self, node: ast.expr) -> Any:
        """Return the value of a constant's expression: a float, an int, or a tuple of floats."""
        if isinstance(node, ast.Constant):
            return node.value
        if isinstance(node, ast.Tuple):
            return tuple(self.number(part) for part in node.elts)
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return -self.number(node.operand)
        if isinstance(node, ast.Attribute):
            return {"inf": math.inf, "nan": math.nan}[node.attr]
        if isinstance(node, ast.BinOp):
            left, right = self.number(node.left), self.number(node.right)
            return left << right if isinstance(node.op, ast.LShift) else left**right
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            value = self.number(node.args[0])
            return int(value) if node.func.attr.startswith("int") else float(value)
        if isinstance(node, ast.Call) and isinstance(node.args[0], ast.GeneratorExp):
            return self.number(node.args[0].generators[0].iter)
        raise UnsupportedError(f"line {node.lineno}: no constant of this form is translated")

    def literal(self, value: Any) -> str:
        """Return a number as C writes it."""
        if isinstance(value, int):
            wide = value % (1 << (32 if self.single else 64))
            return f"{hex(wide)}u" if self.single else f"UINT64_C({hex(wide)})"
        if math.isnan(value):
            return "(real)NAN"
        if math.isinf(value):
            return f"{'-' if value < 0 else ''}(real)INFINITY"
        return f"{value!r}f" if self.single else repr(value)

    # Functions --------------------------------------------------------------------------------

    def function(self, node: ast.FunctionDef) -> None:
        """Translate a function; its polynomials become functions of their own."""
        known: dict[str, str] = {}
        arguments = []
        for argument in node.args.args:
            assert argument.annotation is not None
            whole = isinstance(argument.annotation, ast.Name) and argument.annotation.id == "int"
            known[argument.arg] = self.bits if whole else "real"
            arguments.append(f"{known[argument.arg]} {argument.arg}")
        lines = [f"static inline real {PREFIX}{node.name}({', '.join(arguments)})", "{"]
        documentation, *body = node.body
        # Where the source compensates errors, LLVM rounds such a product and its sum at once.
        self.fused = any(
            isinstance(n, ast.Name) and n.id == "fused_multiply_add" for n in ast.walk(node)
        )
        for statement in body:
            if isinstance(statement, ast.Return):
                assert statement.value is not None
                lines.append(f"    return {self.expression(statement.value, known)[0]};")
                continue
            assert isinstance(statement, ast.Assign)
            (target,) = statement.targets
            assert isinstance(target, ast.Name)
            text, kind = self.expression(statement.value, known)
            declared = "" if target.id in known else f"{kind} "
            known[target.id] = kind
            lines.append(f"    {declared}{target.id} = {text};")
        lines.append("}")
        assert isinstance(documentation, ast.Expr)
        assert isinstance(documentation.value, ast.Constant)
        comment = _comment(str(documentation.value.value))
        self.parts[node.name] = f"{comment}\n" + "\n".join(lines) + "\n"

    def polynomial(self, table: str) -> str:
        """Return the name of the function that evaluates a table's polynomial."""
        name = f"{PREFIX}polynomial_{table.lower()}"
        if name not in self.parts:
            *rest, last = self.constants[table]
            lines = [f"static inline real {name}(real x)", "{"]
            lines.append(f"    real result = {self.literal(last)};")
            lines += [f"    result = result * x + {self.literal(c)};" for c in reversed(rest)]
            self.parts[name] = "\n".join([*lines, "    return result;", "}", ""])
        return name

    def expression(self, node: ast.expr, known: dict[str, str]) -> tuple[str, str]:
        """Return an expression's text and type."""
        if isinstance(node, ast.Name):
            if node.id in known:
                return node.id, known[node.id]
            value = self.constants[node.id]
            return self.literal(value), self.bits if isinstance(value, int) else "real"
        if isinstance(node, ast.Constant):
            return self.literal(node.value), self.bits
        if isinstance(node, ast.IfExp):
            condition, _ = self.expression(node.test, known)
            chosen, kind = self.expression(node.body, known)
            other, _ = self.expression(node.orelse, known)
            return f"{condition} ? {_bracketed(chosen)} : {_bracketed(other)}", kind
        if isinstance(node, ast.Compare):
            left, right = (self.expression(n, known)[0] for n in (node.left, node.comparators[0]))
            return (
                f"{_bracketed(left)} {_COMPARISONS[type(node.ops[0])]} {_bracketed(right)}",
                "int",
            )
        if isinstance(node, ast.UnaryOp):
            text, kind = self.expression(node.operand, known)
            return text.removeprefix("-") if text.startswith("-") else f"-{_bracketed(text)}", kind
        if self.fused and _is_product_and_sum(node):
            assert isinstance(node, ast.BinOp)
            assert isinstance(node.left, ast.BinOp)
            parts = (node.left.left, node.left.right, node.right)
            texts = [self.expression(part, known)[0] for part in parts]
            return f"fma{'f' if self.single else ''}({', '.join(texts)})", "real"
        if isinstance(node, ast.BinOp):
            left, kind = self.expression(node.left, known)
            right, _ = self.expression(node.right, known)
            sign = _OPERATORS[type(node.op)]
            if isinstance(node.right, ast.Constant) and kind == self.bits:
                right = str(node.right.value) if sign in ("<<", ">>") else right
            if sign == ">>":  # of a signed number
                signed = self.bits.removeprefix("u")
                return f"({self.bits})(({signed}){_bracketed(left)} >> {right})", kind
            return f"{_left(left, sign)} {sign} {_bracketed(right)}", kind
        if isinstance(node, ast.Call):
            return self.call(node, known)
        raise UnsupportedError(f"line {node.lineno}: {ast.unparse(node)} is not translated")

    def call(self, node: ast.Call, known: dict[str, str]) -> tuple[str, str]:
        """Return a call's text and type."""
        if isinstance(node.func, ast.Attribute):
            inner, kind = self.expression(node.args[0], known)
            if node.func.attr == "sqrt":
                return f"{PREFIX}sqrt({inner})", kind
            return inner, kind  # np.int32(…): the bits have that width already
        assert isinstance(node.func, ast.Name)
        name = node.func.id
        if name == "polynomial":
            table = node.args[1]
            assert isinstance(table, ast.Name)
            return f"{self.polynomial(table.id)}({self.expression(node.args[0], known)[0]})", "real"
        arguments = ", ".join(self.expression(a, known)[0] for a in node.args)
        library = {"abs": "fabs", "fused_multiply_add": "fma"}.get(name)
        if library is not None:
            return f"{library}{'f' if self.single else ''}({arguments})", "real"
        return f"{PREFIX}{name}({arguments})", self.bits if name == "to_bits" else "real"


def _is_product_and_sum(node: ast.expr) -> bool:
    """Whether an expression is ``a * b + c`` of three names."""
    return (
        isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Add)
        and isinstance(node.left, ast.BinOp)
        and isinstance(node.left.op, ast.Mult)
        and all(isinstance(n, ast.Name) for n in (node.left.left, node.left.right, node.right))
    )


def _is_simple(text: str) -> bool:
    return re.fullmatch(r"-?[\w.]+(e[-+]\d+f?)?|\(real\)\w+", text) is not None or (
        re.fullmatch(r"\w+\(.*\)", text) is not None and _closes_last(text)
    )


def _closes_last(text: str) -> bool:
    depth = 0
    for position, character in enumerate(text):
        depth += {"(": 1, ")": -1}.get(character, 0)
        if depth == 0 and character == ")":
            return position == len(text) - 1
    return False


def _bracketed(text: str) -> str:
    return text if _is_simple(text) else f"({text})"


def _left(text: str, sign: str) -> str:
    """Return a left operand: a chain of one kind of operator needs no parentheses."""
    chain = {"+": "+-", "-": "+-", "*": "*", "/": "*"}.get(sign, "")
    flat = re.sub(r"\([^()]*\)", "", text)
    while "(" in flat and re.sub(r"\([^()]*\)", "", flat) != flat:
        flat = re.sub(r"\([^()]*\)", "", flat)
    used = set(re.findall(r" (\S+) ", flat))
    if used and used <= set(chain) and "?" not in flat:
        return text
    if used and sign in "+-" and used <= {"*", "/", "+", "-"}:
        return text
    return _bracketed(text)


def _comment(text: str) -> str:
    words = " ".join(text.split())
    lines = textwrap.wrap(words, 92)
    return "/* " + "\n   ".join(lines) + " */"


def main() -> None:
    """Write both files."""
    folder = Path(__file__).parent / "runtime"
    for dtype in ("float32", "float64"):
        (folder / f"maths_{dtype}.c").write_text(translated(dtype), encoding="utf-8")


if __name__ == "__main__":
    main()
