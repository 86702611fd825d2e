"""The way back from an app that ends the board at once: sys.exit(), a reset, a crash, again and again.

Each boot is counted in a small file, which is removed once the app has run for a while or was interrupted.
After three short ones the next start waits ten seconds: long enough for a ^C, or for a tool to take the
prompt. Then it is tried again, so a board that only had a bad supply comes back by itself.
"""

import os
import time

LIMIT = 3
PAUSE_MS = 10_000
SETTLED_MS = 5_000

PATH = "/midge/boots"


def begin() -> None:
    """main.py is about to start the app. A ^C in the pause raises KeyboardInterrupt."""
    if _woke_from_deep_sleep():
        return  # apps that measure and sleep again are short by design
    n = _count()
    if n >= LIMIT:
        print(
            "midge: /app.py ended the board {} times in a row; ^C within {} s gives the prompt".format(
                n, PAUSE_MS // 1000
            )
        )
        for _ in range(PAUSE_MS // 100):
            time.sleep_ms(100)
    try:
        with open(PATH, "w") as file:
            file.write(str(n + 1))
    except OSError:
        pass  # a full flash, or no midge folder yet: then nothing is counted


def settled() -> None:
    """The app runs."""
    try:
        os.remove(PATH)
    except OSError:
        pass  # not counted


def _count() -> int:
    try:
        with open(PATH) as file:
            return int(file.read(4))
    except (OSError, ValueError):
        return 0


def _woke_from_deep_sleep() -> bool:
    import machine

    deep_sleep = getattr(machine, "DEEPSLEEP_RESET", None)
    return deep_sleep is not None and machine.reset_cause() == deep_sleep
