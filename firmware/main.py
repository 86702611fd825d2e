"""main.py of a board with midge: thin. Runs /app.py; if that fails, the REPL has the board, nothing loops."""

import sys

try:
    import app  # noqa: F401  (an app runs when it is imported)
except KeyboardInterrupt:
    pass
except Exception as error:
    sys.print_exception(error)  # type: ignore[attr-defined]
    print("midge: /app.py stopped; mend it, then ^D starts it again")
