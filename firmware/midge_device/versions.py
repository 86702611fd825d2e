"""The one table of versions: two ends that differ refuse, and say both numbers. [S]"""

LIBRARY = "0.1.0"  # of midge as a whole; the device library is installed by the host of the same version
PROTOCOL = 1  # frames and messages of wire/
MODULE_ABI = 1  # what a model's .mpy exports
MODEL_SCHEMA = 1  # model.json
SLOT_RECORD = 1  # state records of the two slots
TEST_BLOB = 1  # <slot>.test: golden rows for the self-test on the board
MICROPYTHON_FLOOR = (1, 24)


def mismatch(what: str, here: int, there: int) -> str:
    """The sentence with which every version check refuses; the caller raises its own error type."""
    return "{}: version {} here, {} there; update the older end".format(what, here, there)
