"""main.py of a board with midge: thin. Runs /app.py; if that fails, the REPL has the board, nothing loops."""

import sys

try:
    from midge_device import short_boots

    short_boots.begin()
    import app  # noqa: F401  (an app runs when it is imported)
except KeyboardInterrupt:
    if "midge_device.short_boots" in sys.modules:
        short_boots.settled()  # somebody wants the prompt: no fault of the app
except Exception as error:
    sys.print_exception(error)  # type: ignore[attr-defined]
    print("midge: /app.py stopped; mend it, then ^D starts it again")
