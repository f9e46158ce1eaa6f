"""products: a matrix product as a call of the packed kernel, or as loops where it is small."""

from symbp.loops.nodes import Product
from symbp.targets.c.places import Struct
from symbp.targets.c.printer import Printer

__all__ = ["ProductWriter"]


class ProductWriter:
    """Writes the products of one function and notes what memory they need."""

    def __init__(self, dtype: str, batch: int) -> None:
        self.dtype, self.batch = dtype, batch

    def is_packed(self, product: Product) -> bool:
        """Whether a product is worth a call."""
        return False

    def lines(self, printer: Printer, product: Product) -> list[str] | None:
        """Return the lines of a product; None if it is to be loops."""
        return None

    def with_workspace(self, buffers: Struct) -> Struct:
        """Return a struct of buffers that holds what the products need, too."""
        return buffers
