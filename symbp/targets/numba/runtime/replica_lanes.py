"""Epochs of many tiny networks, side by side in vector registers.

A block holds `width` networks: a row of numbers for each of the parameters, states and
hyperparameters of one network, and for what a step computes. Every lane does the same, so that what
a network becomes depends neither on its neighbours nor on its place.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from symbp.targets.numba.runtime.replica_epochs import DealtEpochs
from symbp.targets.numba.runtime.replica_orders import shuffled

# Numbers that examples and networks go through in an epoch, from which on a second thread is worth
# what it takes to start one: about a millisecond.
WORTHWHILE_LANES = 5_000_000
# Rows of a batch whose sums single precision takes in as they come, see the kernels of one network.
MOST_SUMMED = 256


class LaneKernel(NamedTuple):
    """The kernel of an epoch along lanes, and what it takes."""

    kernel: Any
    rows: int
    width: int

    def takes(self, batch_size: int) -> bool:
        """Whether its sums over a batch are exact enough."""
        return batch_size <= MOST_SUMMED


class Packed:
    """Some networks in blocks; what fills up the last one is a copy of the last network."""

    def __init__(self, members: NDArray[np.int64], width: int) -> None:
        self.members = members
        blocks = -(-len(members) // width)
        places = np.minimum(np.arange(blocks * width), len(members) - 1)
        self.places = members[places].reshape(blocks, width)
        self.networks: NDArray[Any]
        self.orders: NDArray[np.int64]


class LaneEpochs(DealtEpochs):
    """Trains blocks of networks; threads share the blocks.

    Parameters
    ----------
    *given
        See `DealtEpochs`.
    """

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.lanes: LaneKernel = self.many.lanes
        self.same = all(each is self.rows[0] for each in self.rows)
        self.active = np.zeros(len(self.rows), bool)
        self.groups: list[Packed] = []

    def run(self, active: NDArray[np.bool_], values: NDArray[Any]) -> NDArray[np.float64]:
        """Train for an epoch; return the mean cost of each, NaN of those that are not active."""
        if not np.array_equal(active, self.active):
            self.unpack()
            self.active = active.copy()
            self.groups = self._grouped()
            self.pack()
        costs = np.full(len(active), np.nan)
        network = self.many.trainer.network
        first = network.count + network.state_size
        tasks: list[tuple[Packed, slice]] = []
        found = [np.empty(group.places.shape, network.dtype) for group in self.groups]
        for group in self.groups:
            hyper = values[group.places].transpose(0, 2, 1)
            group.networks[:, first : first + values.shape[1]] = hyper
            numbers = group.places.size * len(self.rows[group.members[0]]) * self.lanes.rows
            blocks = len(group.places)
            pieces = min(self.threads, blocks) if numbers >= WORTHWHILE_LANES else 1
            ends = [blocks * piece // pieces for piece in range(pieces + 1)]
            tasks += [(group, slice(a, b)) for a, b in itertools.pairwise(ends)]

        def training() -> Callable[[int], None]:
            def train(task: int) -> None:
                group, blocks = tasks[task]
                place = next(i for i, each in enumerate(self.groups) if each is group)
                self._train(group, blocks, found[place])

            return train

        self.deal(range(len(tasks)), training)
        for group, their in zip(self.groups, found, strict=True):
            costs[group.members] = their.reshape(-1)[: len(group.members)]
        return costs

    def _train(self, group: Packed, blocks: slice, costs: NDArray[Any]) -> None:
        rows = self.rows[group.members[0]]
        step = min(self.batch_size, len(rows))
        # In a single batch the order of the examples is that of a sum, and no more.
        shuffle = self.shuffle and step < len(rows)
        own = shuffle or not self.same
        if shuffle:
            width = self.lanes.width
            members = group.members[blocks.start * width : blocks.stop * width].tolist()
            lanes = group.orders[blocks].reshape(-1, len(rows))
            if self.same:
                lanes[:] = rows
            else:
                for lane, replica in enumerate(members):
                    lanes[lane] = self.rows[replica]
            # As permutation does, without a copy.
            shuffled(lanes, [self.many._trainers[replica]._generator for replica in members])
            lanes[len(members) :] = lanes[len(members) - 1]
        none = np.empty((0, self.lanes.width, len(rows)), np.int64)
        orders = group.orders[blocks] if own else none
        self.lanes.kernel(
            group.networks[blocks], costs[blocks], orders, rows, step, int(own), *self.arrays
        )

    def _grouped(self) -> list[Packed]:
        """Return the active replicas in blocks: side by side are those with as many examples."""
        lengths = np.array([len(each) for each in self.rows])
        members = np.flatnonzero(self.active)
        return [
            Packed(members[lengths[members] == length], self.lanes.width)
            for length in np.unique(lengths[members])
        ]

    def pack(self) -> None:
        """Take over what has changed in the rows of the replicas."""
        count, state_size = self.many._flat.shape[1], self.many._state.shape[1]
        width, dtype = self.lanes.width, self.many._flat.dtype
        for group in self.groups:
            blocks, length = len(group.places), len(self.rows[group.members[0]])
            if not hasattr(group, "networks"):
                # On a cache line, so that no vector lies on two.
                size = blocks * self.lanes.rows * width
                line = 64 // dtype.itemsize
                memory = np.zeros(size + line, dtype)
                start = -(memory.ctypes.data // dtype.itemsize) % line
                group.networks = memory[start : start + size].reshape(
                    blocks, self.lanes.rows, width
                )
                if self.shuffle or not self.same:
                    group.orders = np.empty((blocks, width, length), np.int64)
                    drawn = self.shuffle and self.batch_size < length  # in each epoch
                    for block, members in enumerate([] if drawn else group.places):
                        group.orders[block] = np.stack([self.rows[each] for each in members])
            flat, state = self.many._flat[group.places], self.many._state[group.places]
            group.networks[:, :count] = flat.transpose(0, 2, 1)
            group.networks[:, count : count + state_size] = state.transpose(0, 2, 1)

    def unpack(self) -> None:
        """Write what was trained into the rows of the replicas."""
        count, state_size = self.many._flat.shape[1], self.many._state.shape[1]
        for group in self.groups:
            rows = group.networks.transpose(0, 2, 1).reshape(-1, self.lanes.rows)
            rows = rows[: len(group.members)]
            self.many._flat[group.members] = rows[:, :count]
            self.many._state[group.members] = rows[:, count : count + state_size]
