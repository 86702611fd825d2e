"""The `midge` command, and `python -m midge`: light, so that ^C is one word from the first moment on."""

import sys


def main() -> int:
    """Run the command line; returns its exit code."""
    try:
        from .cli import main as run

        return run()
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
