"""The `midge` command: finds the subcommand, runs it, turns errors into one line.

A new command is one file here with `SUMMARY`, `EXAMPLE`, `configure(parser)` and `run(args)`, and one line in
`COMMANDS`. Command files are thin: they parse, call one stage and print; heavy imports stay inside `run`.
"""

from __future__ import annotations

import argparse
import importlib
import keyword
import os
import sys
from collections.abc import Sequence
from types import ModuleType

from .. import __version__
from ..errors import MidgeError
from . import output

# In the order of use; `midge --help` shows them so.
COMMANDS = {
    "demo": "the whole loop on a virtual board",
    "new": "an own app, in an own folder",
    "devices": "boards that are there",
    "doctor": "what a board can, what it lacks, and what to do about it",
    "board": "a virtual board in the foreground",
    "flash": "first install on stock MicroPython: library, app, model",
    "record": "a labelled recording from a board",
    "import": "recordings from anybody's files",
    "export": "recordings as files that other tools read",
    "data": "look at takes, mend them, find what spoils them",
    "train": "a model from recordings",
    "compress": "a smaller model that answers as well",
    "evaluate": "a trained model on other recordings, through the very C",
    "build": "a model as a .mpy module for a target",
    "bench": "what models cost on every target, and what they are worth",
    "push": "a new model onto a board, while its app runs",
    "monitor": "live events, rate and loss",
}

EXIT_ERROR = 1
EXIT_INTERRUPTED = 130


def _command(name: str) -> ModuleType:
    module = f"{name}_" if keyword.iskeyword(name) else name
    return importlib.import_module(f".{module}", __package__)


def _parser(only: str | None) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="midge",
        description="Tiny machine learning for sensors on MicroPython boards.",
        epilog="Start with: midge demo gesture",
    )
    parser.add_argument("--version", action="version", version=f"midge {__version__}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    for name, summary in COMMANDS.items():
        if only is not None and name != only:
            # Only the command in use is imported: `midge devices` must not wait for scikit-learn.
            subparsers.add_parser(name, help=summary, add_help=False)
            continue
        command = _command(name) if only is not None else None
        subparser = subparsers.add_parser(
            name,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
            epilog=None if command is None else f"example:\n  {command.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        if command is not None:
            command.configure(subparser)
            subparser.set_defaults(run=command.run)
            subparser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
            subparser.add_argument("--debug", action="store_true", help="print the traceback of an error")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one `midge` command; returns the exit code (0 done, 1 error, 2 usage, 130 interrupted)."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    only = arguments[0] if arguments and arguments[0] in COMMANDS else None
    args = _parser(only).parse_args(arguments)
    output.configure(as_json=args.json)
    try:
        return int(args.run(args) or 0)
    except MidgeError as error:
        if args.debug:
            raise
        output.error(error)
        return EXIT_ERROR
    except KeyboardInterrupt:
        output.note("interrupted")
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of our output has gone (`midge … | head`); say nothing more to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_ERROR
    except OSError as error:
        # What no stage foresaw of files and folders: read-only, full, gone.
        if args.debug:
            raise
        output.error(
            MidgeError(
                f"{error.filename or 'this machine'}: {error.strerror or error}; mend that, then try again"
            )
        )
        return EXIT_ERROR
