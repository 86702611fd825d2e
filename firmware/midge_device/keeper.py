"""The last seconds of samples, block by block, for a host that says that a decision was wrong."""

from array import array

KEPT_S = 4
_MOST_BYTES = 8192
_LEAST_BLOCKS = 3


class Keeper:
    """Gives a sampler another buffer for each block, and so keeps the last ones without copying any.

    Parameters
    ----------
    sampler
        see sampler.py; its `block` is replaced
    rate_hz : float
        of its samples

    Attributes
    ----------
    n_samples : int
        what is kept now
    """

    def __init__(self, sampler, rate_hz: float) -> None:
        block_bytes = 2 * len(sampler.block)
        blocks = min(int(KEPT_S * rate_hz / sampler.n) + 2, _MOST_BYTES // block_bytes)
        self._blocks = [sampler.block]
        try:
            while len(self._blocks) < max(_LEAST_BLOCKS, blocks):
                self._blocks.append(array("h", bytes(block_bytes)))
        except MemoryError:
            pass  # a small board keeps less
        self._firsts = [0] * len(self._blocks)
        self._ticks_us = [0] * len(self._blocks)
        self._n = sampler.n
        self._at = 0  # the block that the sampler fills, or has filled
        self._is_filled = False
        self._older = 0  # filled blocks before that one

    @property
    def n_samples(self) -> int:
        return self._n * (self._older + self._is_filled)

    def before_poll(self, sampler) -> None:
        """Let the sampler fill the oldest buffer. Allocates nothing."""
        if self._is_filled and len(self._blocks) > 1:
            self._at = self._at + 1 if self._at + 1 < len(self._blocks) else 0
            self._older = min(self._older + 1, len(self._blocks) - 1)
            self._is_filled = False
            sampler.block = self._blocks[self._at]

    def after_poll(self, sampler) -> None:
        """A block was filled. Allocates nothing."""
        self._firsts[self._at] = sampler.first
        self._ticks_us[self._at] = sampler.ticks_us
        self._is_filled = True

    def blocks(self):
        """(index of the first sample, its ticks_us, samples) of each block that is kept, oldest first."""
        n = self._older + self._is_filled
        last = self._at if self._is_filled else self._at - 1
        for age in range(n - 1, -1, -1):
            at = (last - age) % len(self._blocks)
            yield self._firsts[at], self._ticks_us[at], self._blocks[at]
