"""Kernels whose text is emitted as LLVM instructions, inside of a function that Numba compiles.

Numba's types, its dispatcher and its files of machine code stay: only what stands in the function
is not analysed by it. Where the text cannot be emitted, Numba compiles the function as any other,
and one line says so. What is private of Numba's dispatcher stands here and in `cache.py`.
"""

# mypy: disable-error-code="untyped-decorator"

from __future__ import annotations

import ast
import inspect
import textwrap
from functools import cache
from types import CodeType, FunctionType
from typing import Any

from numba import types
from numba.extending import intrinsic

from symbp.targets.numba.runtime.cache import compilation, compiled_kernel, say
from symbp.targets.numba.runtime.emitted_expressions import regions_in
from symbp.targets.numba.runtime.emitted_repeats import repeated_in
from symbp.targets.numba.runtime.emitted_values import Frame, OutsideOfSubsetError, Value
from symbp.targets.numba.runtime.emitter import Emitter

# Makes the intrinsic of each kernel. Numba keeps these for ever, and with them all that they refer
# to; symbp puts one here that keeps no module alive.
make_intrinsic = intrinsic


@cache
def tree_of(function: Any) -> Any:
    """Return the tree of a function's text, or None if the text is not what was loaded."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except (OSError, TypeError, SyntaxError):
        return None
    if not isinstance(tree, ast.FunctionDef):
        return None
    read, loaded = (
        (code.co_code, code.co_consts, code.co_names, code.co_varnames)
        for code in (code_of(tree), function.__code__)
    )
    return tree if read == loaded else None


def code_of(tree: ast.FunctionDef, file: str = "<kernel>") -> CodeType:
    """Return the code of a function, without what decorates it."""
    plain = ast.FunctionDef(**{**vars(tree), "decorator_list": [], "returns": None})
    # Python has another instruction for a function of what is imported.
    imported = ast.parse("import numpy as np").body
    module = compile(ast.Module([*imported, plain], []), file, "exec", dont_inherit=True)
    (code,) = (each for each in module.co_consts if isinstance(each, CodeType))
    return code


def tree_of_jitted(function: Any) -> Any:
    """Return the tree of a function that is jitted to be a part of its callers, else None."""
    if not getattr(function, "targetoptions", {}).get("forceinline"):
        return None
    return tree_of(function.py_func)


def instructions_of(tree: ast.FunctionDef, known: dict[str, Any]) -> Any:
    """Return the intrinsic that emits a kernel; its argument is the tuple of the kernel's own."""
    ends = tree.body[-1]
    returns = isinstance(ends, ast.Return) and ends.value is not None

    def instructions(typing_context: Any, passed: Any) -> Any:
        """Run the kernel."""

        def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            emitter = Emitter(context, builder, tree_of_jitted)
            emitter.regions = regions_in(tree)
            given = []
            for position, kind in enumerate(signature.args[0]):
                llvm = builder.extract_value(arguments[0], position)
                is_array = isinstance(kind, types.Array)
                given.append(emitter.as_array(kind, llvm) if is_array else Value(kind, llvm))
            frame = Frame(tree, known)
            frame.repeated = repeated_in(tree)
            result = emitter.function(tree, frame, given)
            if result is not None and result.kind != types.float64:
                raise OutsideOfSubsetError(f"a kernel that returns {result.kind}")
            emitter.release()
            return context.get_dummy_value() if result is None else result.llvm

        return (types.float64 if returns else types.none)(passed), generate

    return make_intrinsic(instructions)


def hosted(function: Any, tree: ast.FunctionDef) -> Any:
    """Return a function for Numba that does what a kernel does, by instructions of its own."""
    names = [ast.Name(argument.arg, ast.Load()) for argument in tree.args.args]
    passed = ast.Tuple(list(names), ast.Load())
    call = ast.Call(ast.Name("instructions", ast.Load()), [passed], [])
    host = ast.FunctionDef(**{**vars(tree), "body": [ast.Return(call)]})
    ast.fix_missing_locations(host)
    known = {
        "__name__": function.__module__,
        "instructions": instructions_of(tree, function.__globals__),
    }
    code = code_of(host, function.__code__.co_filename)
    result = FunctionType(code, known, function.__name__)
    result.__qualname__ = function.__qualname__
    return result


def emitted_kernel(function: Any) -> Any:
    """Return a kernel that is compiled by its own instructions, or loaded, at its first call."""
    kernel = compiled_kernel(function)
    if not hasattr(kernel, "_compiler"):
        return kernel  # another decorator stands in for Numba's
    compile_for, compiler = kernel._compile_for_args, kernel._compiler

    def host(arguments: Any, named: Any) -> Any:
        tree = tree_of(function)
        if tree is None:
            raise OutsideOfSubsetError("its text cannot be read")
        return hosted(function, tree)

    def compile_for_args(*arguments: Any, **named: Any) -> Any:
        with compilation():
            # Asked for only if there is no machine code for these arguments in a file.
            compiler._get_implementation = host
            try:
                return compile_for(*arguments, **named)
            except Exception as error:  # whatever it is, Numba's front end does without
                reason = " ".join(str(error).split())[:200]
                say(
                    f"{function.__code__.co_filename}: {function.__name__} is compiled by Numba's "
                    f"front end, which takes longer ({reason})"
                )
                compiler._failed_cache.clear()
            finally:
                del compiler._get_implementation
            return compile_for(*arguments, **named)

    kernel._compile_for_args = compile_for_args
    return kernel
