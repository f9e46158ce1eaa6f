"""Generated modules, from their files or from their text; and how their trainers are pickled.

A module of :func:`symbp.compile` lives as long as something refers to it. A pickled trainer carries
the module's text, so that it is at home in any process that has symbp.
"""

import hashlib
import importlib.abc
import importlib.util
import os
import sys
import threading
import weakref
import zlib
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from symbp.notation.errors import SymbpError
from symbp.training.blocks import blocks_of
from symbp.training.collecting import let_go
from symbp.training.loaded import LoadedTrainer
from symbp.training.places import kept_file

__all__ = ["load_module", "module_of"]

# Those that live, by the hash of their text: made by `module_of`, and loaded from files.
_modules: weakref.WeakValueDictionary[str, ModuleType] = weakref.WeakValueDictionary()
_loaded: weakref.WeakValueDictionary[str, ModuleType] = weakref.WeakValueDictionary()
_lock = threading.RLock()


def load_module(path: str | os.PathLike[str], name: str | None = None) -> ModuleType:
    """Import a generated module from its file.

    Parameters
    ----------
    path : path
        A file that :func:`symbp.generate` wrote.
    name : str, optional
        Its name in ``sys.modules``; by default the file's.

    Returns
    -------
    module
    """
    path = Path(path)
    if not path.is_file():
        raise SymbpError(f"{path}: no such file")
    if name is None:
        # Read anew each time, since the file may have been generated again; and a json.py does
        # not take the place of Python's own.
        name = path.stem
        known = sys.modules.get(name)
        other = known is not None and getattr(known, "__file__", None) != str(path.absolute())
        if other or name in sys.stdlib_module_names:
            name += f"_{_hash(str(path.absolute()))[:8]}"
    elif name in sys.modules:
        return sys.modules[name]
    specification = importlib.util.spec_from_file_location(name, path)
    if specification is None or specification.loader is None:
        raise SymbpError(f"{path}: not a Python file")
    text = path.read_text(encoding="utf-8", errors="replace")
    module = _executed(specification)
    _loaded[_name(text)] = module
    _make_portable(module, text, _loaded)
    return module


def module_of(text: str) -> ModuleType:
    """Return the module of a text, kept in the cache folder so that its machine code is, too.

    Parameters
    ----------
    text : str
        Of a generated module.

    Returns
    -------
    module
        One for each text, as long as it lives.
    """
    # The name is the content's hash, so a file of this name is the right one, unless edited.
    name = _name(text)
    with _lock:
        module = _modules.get(name)
        if module is None:
            path = kept_file(f"{name}.py", text)
            loader = _Text(name, text)
            if path is None:
                specification = ModuleSpec(name, loader, origin=f"<{name}>")
                specification.has_location = True  # so that the module has a name for its file
            else:
                found = importlib.util.spec_from_file_location(name, path)
                assert found is not None
                specification = found
            module = _executed(specification)
            let_go(module)
            _make_portable(module, text, _modules)
            _modules[name] = module
            # It is found by its name, as pickle does for its functions, but not kept alive by it.
            proxy = sys.modules[name] = _Found(module)
            weakref.finalize(module, _forget, name, weakref.ref(proxy)).atexit = False
    return module


class _Text(importlib.abc.ExecutionLoader):
    """Loads a module that is in no file."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text

    def get_source(self, fullname: str) -> str:
        return self.text

    def get_filename(self, fullname: str) -> str:
        return f"<{self.name}>"


class _Found(ModuleType):
    """Stands for a module in `sys.modules`, as long as the module lives."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module.__name__, module.__doc__)
        self.__dict__["_module"] = weakref.ref(module)

    def __getattr__(self, name: str) -> Any:
        module = self.__dict__["_module"]()
        if module is None:
            raise AttributeError(f"module {self.__name__!r} is gone: nothing referred to it")
        return getattr(module, name)


def _forget(name: str, found: "weakref.ref[_Found]") -> None:
    if sys.modules.get(name) is found():
        sys.modules.pop(name, None)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _name(text: str) -> str:
    return f"symbp_{_hash(text)[:20]}"


def _executed(specification: ModuleSpec) -> ModuleType:
    assert specification.loader is not None
    # Deriving, printing and generating need none; a module says only that its import failed.
    if "numba" not in sys.modules and importlib.util.find_spec("numba") is None:
        raise SymbpError("a generated module runs with Numba, which is not here: pip install numba")
    module = importlib.util.module_from_spec(specification)
    name = specification.name
    before = sys.modules.get(name)
    sys.modules[name] = module  # Numba looks a function's module up by name
    try:
        specification.loader.exec_module(module)
    except BaseException:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
        raise
    return module


# Pickling


def _make_portable(
    module: ModuleType, text: str, among: "weakref.WeakValueDictionary[str, ModuleType]"
) -> None:
    """Let the trainers and parameters of a module be pickled with the text of the module.

    Trainers get what is for people besides, see :mod:`symbp.training.loaded`.
    """
    written, parameters = getattr(module, "Trainer", None), getattr(module, "Parameters", None)
    if written is None or parameters is None:
        return  # not one of ours
    about = {"__module__": module.__name__, "__qualname__": "Trainer", "__doc__": written.__doc__}
    trainer: Any = type("Trainer", (LoadedTrainer, written), about)
    vars(module)["Trainer"] = trainer
    packed: list[bytes] = []
    from_file = among is _loaded

    def content() -> bytes:
        if not packed:
            packed.append(zlib.compress(text.encode()))
        return packed[0]

    for name in ("Trainer", "Replicas"):
        kind = getattr(module, name, None)
        if kind is not None:
            kind.module = module
            kind.__reduce_ex__ = _reducing(kind, name, content, from_file)

    def reduce_parameters(self: Any, protocol: Any) -> Any:
        return _new_parameters, (content(), from_file, tuple(self))

    trainer.on_disk = staticmethod(blocks_of)
    parameters.__reduce_ex__ = reduce_parameters


def _reducing(
    kind: type[Any], name: str, content: Callable[[], bytes], from_file: bool
) -> Callable[[Any, Any], Any]:
    """Return what pickles an object of a class of a module with the text of the module."""

    def reduce(self: Any, protocol: Any) -> Any:
        if type(self) is not kind:  # a class of the user's own knows its module
            return object.__reduce_ex__(self, protocol)
        return _new_trainer, (content(), from_file, name), self.__getstate__()

    return reduce


def _unpacked(content: bytes, from_file: bool) -> ModuleType:
    text = zlib.decompress(content).decode()
    # The one that it came from, if that is here; a file may hold the text of a compiled module.
    for known in (_loaded, _modules) if from_file else (_modules, _loaded):
        module = known.get(_name(text))
        if module is not None:
            return module
    return module_of(text)


def _new_trainer(content: bytes, from_file: bool, name: str = "Trainer") -> Any:
    kind = getattr(_unpacked(content, from_file), name)
    return kind.__new__(kind)


def _new_parameters(content: bytes, from_file: bool, arrays: tuple[Any, ...]) -> Any:
    return _unpacked(content, from_file).Parameters(*arrays)
