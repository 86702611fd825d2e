"""Scores of successive windows → events: smoothing, threshold, background, cooldown, one event a gesture. [S]

Windows overlap, so one gesture is seen by several of them. An event disarms the decision; it is armed again
by a quiet window (nothing above the threshold, or the background wins), or, for another label, as soon as a
window shares no sample with the one that made the event. In any case not before the cooldown is over.
Time is counted in windows, so the host evaluates with the same code and the same results as the board.
"""

from array import array

NO_EVENT = -1


class Decision:
    """Decides window by window. Integers only; `update` allocates nothing.

    Parameters
    ----------
    n_labels : int
    background : int
        label that is never an event, -1 if there is none
    silent : iterable of int
        labels that are never events either
    threshold : int
        least smoothed score of an event, in units of the scores
    smooth : int
        windows averaged, at least 1
    cooldown_windows : int
        least number of windows from one event to the next
    overlap_windows : int
        number of windows after which no sample is shared: ceil(length / hop)

    Attributes
    ----------
    winner, score : int
        label with the highest smoothed score, and that score, after the last update
    """

    def __init__(
        self,
        n_labels: int,
        *,
        background: int,
        threshold: int,
        smooth: int = 1,
        cooldown_windows: int = 0,
        overlap_windows: int = 1,
        silent=(),
    ) -> None:
        if n_labels < 1 or not -1 <= background < n_labels:
            raise ValueError("decision: background {} of {} labels".format(background, n_labels))
        if not 1 <= smooth <= 4096:
            raise ValueError("decision: smooth must be 1 to 4096, not {}".format(smooth))
        if not 0 <= threshold <= 32767:
            raise ValueError("decision: threshold must be 0 to 32767, not {}".format(threshold))
        self._n = n_labels
        self._is_event = bytearray(0 if i == background or i in silent else 1 for i in range(n_labels))
        self._smooth = smooth
        self._bar = threshold * smooth
        self._cooldown = cooldown_windows
        self._overlap = overlap_windows
        self._rows = array("h", bytes(2 * n_labels * smooth))
        self._sums = array("i", bytes(4 * n_labels))
        self.reset()

    def reset(self) -> None:
        """Forget all windows: the samples have a gap, or the model has been started anew."""
        for i in range(len(self._rows)):
            self._rows[i] = 0
        for i in range(self._n):
            self._sums[i] = 0
        self._row = 0
        self._seen = 0
        self._armed = True
        self._last = NO_EVENT
        self._since = 0
        self.winner = 0
        self.score = 0

    def update(self, scores: array) -> int:
        """Take the scores of the next window; return the label index of an event, or NO_EVENT."""
        sums = self._sums
        rows = self._rows
        at = self._row
        winner = 0
        for i in range(self._n):
            total = sums[i] + scores[i] - rows[at]
            sums[i] = total
            rows[at] = scores[i]
            at += 1
            if total > sums[winner]:
                winner = i
        self._row = at if at < len(rows) else 0
        if self._seen < self._smooth:
            self._seen += 1
        self.winner = winner
        self.score = sums[winner] // self._smooth
        if self._since < 0x3FFFFFFF:  # stays a small integer on 32-bit boards
            self._since += 1
        if self._seen < self._smooth:
            return NO_EVENT
        if not self._is_event[winner] or sums[winner] < self._bar:
            self._armed = True
            return NO_EVENT
        if self._last != NO_EVENT:
            if self._since < self._cooldown:
                return NO_EVENT
            if not self._armed and (winner == self._last or self._since < self._overlap):
                return NO_EVENT
        self._armed = False
        self._last = winner
        self._since = 0
        return winner


def is_event(label: str, background) -> bool:
    """Whether a label tells of something: beside a background, names as `_silence_` don't."""
    return label != background and not (background is not None and label[:1] == label[-1:] == "_")


def from_info(info: dict) -> Decision:
    """The decision that a module's info() (or the same keys of a model file) asks for."""
    labels = info["labels"]
    background = info.get("background")
    hop = info.get("hop") or 1
    cooldown_samples = int((info.get("cooldown_ms") or 0) * (info.get("rate_hz") or 0))  # in thousandths
    # In thousandths first: a board's single precision must come to the same integer as the host's double.
    threshold_milli = int((info.get("threshold") or 0) * 1000 + 0.5)
    return Decision(
        len(labels),
        background=labels.index(background) if background is not None else NO_EVENT,
        threshold=threshold_milli * info["score_scale"] // 1000,
        smooth=info.get("smooth") or 1,
        cooldown_windows=-(-cooldown_samples // (1000 * hop)),
        overlap_windows=-(-(info.get("window") or hop) // hop),
        silent=[i for i in range(len(labels)) if not is_event(labels[i], background)],
    )
