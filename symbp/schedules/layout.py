"""layout: in which order the axes of a program's own tensors lie in memory."""

from symbp.calculus.align_operands import align_operands
from symbp.calculus.channels_last import channels_last, channels_of
from symbp.calculus.contract import typical_size
from symbp.calculus.matrix_products import as_product
from symbp.calculus.patches import order_patches, patches_of
from symbp.entries.entry import Entry
from symbp.schedules.schedule import Decision, Record

__all__ = ["lay_out"]


def lay_out(entry: Entry, record: Record) -> Entry:
    """Return an entry point whose windows are read and added in long runs, by few products.

    Parameters
    ----------
    entry : Entry
        Its program is contracted.
    record : Record
        Takes the arrows and the decision.
    """
    if not any(True for _ in patches_of(entry.program)):
        return entry
    kept = {*entry.roots, *(tensor for slot in entry.slots for tensor in slot.tensors)}
    before = _calls(entry)
    attempt = Record(record.explained)
    moved = len(channels_of(entry.program, kept))
    changed = attempt.run_on(entry, channels_last, kept)
    changed = attempt.run_on(changed, order_patches)
    changed = attempt.run_on(changed, align_operands)
    after = _calls(changed)
    numbers = {"products before": before, "products after": after, "tensors": moved}
    if after > before:
        record.decide(Decision("layout", "as written", "it needs fewer products", numbers))
        return entry
    record.arrows += attempt.arrows
    choice = "channels last" if moved else "as written"
    reason = "windows are read in runs, and their products are few"
    record.decide(Decision("layout", choice, reason, numbers))
    return changed


def _calls(entry: Entry) -> int:
    """Return how many products the windows of a usual batch take part in."""
    count = 0
    for patch in patches_of(entry.program):
        for contraction in patch.contractions:
            product = as_product(contraction)
            loops = contraction.domain if product is None else product.loops
            count += int(typical_size(index.extent for index in loops))
    return count
