"""`midge data`: look at takes, mend them, take changes back."""

from __future__ import annotations

import argparse
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import output

if TYPE_CHECKING:
    from ..curate.activity import Cutting
    from ..curate.changing import Changed
    from ..curate.takes import Take

EXAMPLE = (
    "midge data list data/gesture\n"
    "  midge data show data/gesture 'circle_ann*' --picture takes.png\n"
    "  midge data cut data/gesture long_take --dry-run\n"
    "  midge data relabel data/gesture chop_bo_002 --to swipe\n"
    "  midge data check data/gesture --app gesture\n"
    "  midge data undo data/gesture"
)
_SHOWN = 40
_OF_A_KIND = 5
# 16 bits hold no more.
MOST_DB = 96.0


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)

    def add(name: str, says: str, *, takes: bool = True, changes: bool = False) -> argparse.ArgumentParser:
        one = actions.add_parser(name, help=says, description=says[0].upper() + says[1:] + ".")
        one.add_argument("dataset", metavar="DATASET", type=Path, help="folder of recordings")
        if takes:
            one.add_argument("takes", metavar="TAKE", nargs="*", help="names, with * and ?; none means all")
            one.add_argument("--label", metavar="L", help="only takes of this label")
            one.add_argument("--group", metavar="G", help="only takes of this group")
        if changes:
            one.add_argument("--dry-run", action="store_true", help="show it, change nothing")
        # Suppressed, so that `midge data --json list` is not unset by the default of the inner one.
        for option, says_of in (("--json", "print one JSON object"), ("--debug", "print the traceback")):
            one.add_argument(option, action="store_true", default=argparse.SUPPRESS, help=says_of)
        return one

    add("list", "takes with their labels, groups and lengths")
    show = add("show", "pictures of takes: energy here, samples and spectra as PNG")
    show.add_argument("--picture", metavar="FILE", type=Path, help="PNG, SVG or PDF of the first takes")
    show.add_argument(
        "--first", metavar="N", type=int, default=12, help="so many in the picture (default 12)"
    )
    add("listen", "play takes of sound, one after the other")
    for name, says in (
        ("trim", "cut silence off both ends of takes"),
        ("cut", "cut long takes into events, by their energy"),
    ):
        one = add(name, says, changes=True)
        one.add_argument("--margin", metavar="S", type=float, default=0.2, help="kept around (default 0.2)")
        one.add_argument(
            "--join", metavar="S", type=float, default=0.3, help="shorter pauses don't part (default 0.3)"
        )
        one.add_argument("--shortest", metavar="S", type=float, default=0.1, help="of an event (default 0.1)")
        one.add_argument(
            "--threshold", metavar="DB", type=float, help="below the loudest part (default 14; sound 30)"
        )
        if name == "cut":
            one.add_argument("--every", metavar="S", type=float, help="every so many seconds instead")
            one.add_argument("--at", metavar="S,S,…", help="at these seconds instead")
    relabel = add("relabel", "give takes another label or group", changes=True)
    relabel.add_argument("--to", metavar="LABEL", help="the new label")
    relabel.add_argument("--to-group", metavar="GROUP", help="the new group; '' takes it away")
    add("remove", "take takes out of the dataset; undo brings them back", changes=True)
    undo = add("undo", "take the last change back, byte for byte", takes=False)
    undo.add_argument("--list", action="store_true", help="show what could be undone, undo nothing")
    check = add("check", "find clipped, flat, doubled, wrong-rate, outlying takes, and leaks", takes=False)
    check.add_argument("--app", metavar="APP", help="check against its recipe; finds outlying takes as well")
    check.add_argument(
        "--repair", action="store_true", help="take up what killed recordings left; finish changes"
    )
    check.add_argument("--label", default="", metavar="L", help="with --repair: of takes that don't tell it")
    check.add_argument("--group", metavar="G", help="with --repair: of takes that don't tell it")


def run(args: argparse.Namespace) -> int:
    return int(_ACTIONS[args.action](args) or 0)


def _chosen(args: argparse.Namespace) -> list[Take]:
    from ..curate import takes

    return takes.choose(args.dataset, args.takes, label=args.label, group=args.group)


def _list(args: argparse.Namespace) -> None:
    chosen = _chosen(args)
    output.table(
        ("take", "label", "group", "s", "Hz", "lost", ""),
        [
            (
                take.name, take.about.label, take.about.group, round(take.duration_s, 2), take.about.rate_hz,
                take.lost, "partial" if take.about.partial else "",
            )
            for take in chosen
        ],
    )  # fmt: skip
    labels, groups = (Counter(getattr(take.about, word) for take in chosen) for word in ("label", "group"))
    total_s = sum(take.duration_s for take in chosen)
    output.say(
        f"\n{output.counted(len(chosen), 'take')}, {total_s / 60:.1f} min; "
        + ", ".join(f"{label} {n}" for label, n in sorted(labels.items()))
        + f"; {output.counted(len([group for group in groups if group]), 'group')}"
    )
    output.result(
        {
            "takes": [_as_dict(take) for take in chosen],
            "labels": dict(sorted(labels.items())),
            "groups": dict(sorted(groups.items())),
            "minutes": total_s / 60,
        }
    )


def _as_dict(take: Take) -> dict[str, Any]:
    about = {key: value for key, value in asdict(take.about).items() if value not in ("", None)}
    return {
        "name": take.name, "path": take.path, **about, "samples": take.n_samples, "lost": take.lost,
        "duration_s": round(take.duration_s, 4),
    }  # fmt: skip


def _listen(args: argparse.Namespace) -> None:
    from ..curate import listening

    played = listening.listen(
        _chosen(args),
        lambda take: output.say(
            f"{take.name}  {take.about.label}  {take.about.group}  {take.duration_s:.2f} s"
        ),
    )
    output.result({"played": played})


def _show(args: argparse.Namespace) -> None:
    from .. import recording
    from ..curate import activity, pictures

    chosen = _chosen(args)
    rows, shown = [], []
    with output.progress("show") as advance:
        for number, take in enumerate(chosen):
            advance(number, len(chosen), take.name[-30:])
            item = recording.load(take.path)
            found = activity.events(item, activity.Cutting())
            line, peak_hz = pictures.sparkline(item), pictures.peak_hz(item)
            rows.append(
                (take.name, take.about.label, round(take.duration_s, 2), line, len(found), round(peak_hz, 2))
            )
            shown.append(
                {
                    **_as_dict(take),
                    "events_s": [[a / item.rate_hz, b / item.rate_hz] for a, b in found],
                    "peak_hz": peak_hz,
                    "energy": line,
                }
            )
        if args.picture is not None:
            first = [(take.name, recording.load(take.path)) for take in chosen[: max(1, args.first)]]
            pictures.draw(first, args.picture)
    output.table(("take", "label", "s", "energy", "events", "peak Hz"), rows)
    if args.picture is not None:
        n = min(len(chosen), max(1, args.first))
        output.say(f"\npicture of {n} of {len(chosen)} takes: {args.picture}")
    output.result({"takes": shown, "picture": args.picture})


def _cutting(args: argparse.Namespace) -> Cutting:
    from ..curate.activity import Cutting
    from ..errors import DatasetError

    for option in ("margin", "join", "shortest"):
        value = getattr(args, option)
        if not 0 <= value < 1e6:
            raise DatasetError(f"--{option} {value:g}: it must be 0 s or more")
    if args.threshold is not None and not abs(args.threshold) <= MOST_DB:
        raise DatasetError(
            f"--threshold {args.threshold:g}: give dB below the loudest part, {MOST_DB:g} at most"
        )
    return Cutting(
        args.join, args.shortest, args.margin, None if args.threshold is None else -abs(args.threshold)
    )


def _trim(args: argparse.Namespace) -> None:
    from ..curate import changing

    _changed(
        args, "trimmed", changing.trim(args.dataset, _chosen(args), _cutting(args), dry_run=args.dry_run)
    )


def _cut(args: argparse.Namespace) -> None:
    from ..curate import changing
    from ..errors import DatasetError

    try:
        at_s = [float(text) for text in args.at.split(",")] if args.at else []
    except ValueError:
        raise DatasetError(f"--at {args.at[:40]!r}: give seconds, such as 3.2,7.5") from None
    done = changing.cut(
        args.dataset, _chosen(args), _cutting(args), every_s=args.every, at_s=at_s, dry_run=args.dry_run
    )
    _changed(args, "cut", done)


def _relabel(args: argparse.Namespace) -> None:
    from ..curate import changing
    from ..errors import DatasetError

    if args.to is None and args.to_group is None:
        raise DatasetError("nothing to change; give --to LABEL or --to-group GROUP")
    chosen = _some(args)
    done = changing.relabel(args.dataset, chosen, label=args.to, group=args.to_group, dry_run=args.dry_run)
    _changed(args, "relabelled", done)


def _remove(args: argparse.Namespace) -> None:
    from ..curate import changing

    _changed(args, "removed", changing.remove(args.dataset, _some(args), dry_run=args.dry_run))


def _some(args: argparse.Namespace) -> list[Take]:
    """Takes that were named: what changes all of them must not be a slip."""
    from ..errors import DatasetError

    if not args.takes and args.label is None and args.group is None:
        raise DatasetError("which takes? name them, or give --label or --group ('*' means all)")
    return _chosen(args)


def _changed(args: argparse.Namespace, what: str, done: Sequence[Changed]) -> None:
    rows = [
        (one.name, round(one.before_s, 2), len(one.into), ", ".join(f"{s:.2f}" for _, s in one.into[:6]))
        for one in done
    ]
    if rows and what in ("trimmed", "cut"):
        output.table(("take", "s", "parts", "s each"), rows[:_SHOWN])
    elif rows:
        output.table(("take", "s"), [row[:2] for row in rows[:_SHOWN]])
    if len(rows) > _SHOWN:
        output.say(f"… and {len(rows) - _SHOWN} more")
    tail = (
        " (--dry-run: nothing was changed)"
        if args.dry_run
        else f"; midge data undo {args.dataset} takes it back"
    )
    output.say(f"{output.counted(len(done), 'take')} {what}{tail if done else ': there was nothing to do'}")
    if what == "cut" and not done:
        output.say("nothing quiet lies between events: try --threshold DB, or cut by --every S or --at S,S,…")
    output.result({"changed": [asdict(one) for one in done], "dry_run": args.dry_run})


def _undo(args: argparse.Namespace) -> None:
    from .. import journal

    if args.list:
        changes = journal.history(args.dataset)
        output.table(
            ("change", "when", "files away", "files new"),
            [(one.what, one.when, len(one.removed), len(one.added)) for one in changes],
        )
        output.result({"changes": [asdict(one) for one in changes]})
        return
    last = journal.undo(args.dataset)
    output.say(
        f"taken back: {last.what} ({last.when}); {len(last.removed)} files are there again, "
        f"{len(last.added)} gone"
    )
    output.result(asdict(last))


def _check(args: argparse.Namespace) -> int:
    from .. import journal
    from ..curate import checks, salvage
    from ..errors import DatasetError
    from ..recipe import Recipe

    repaired: dict[str, list[str]] = {"taken_back": [], "taken_up": []}
    if not args.dataset.is_dir():
        raise DatasetError(f"{args.dataset} is no folder; give the folder of a dataset")
    if args.repair:
        repaired["taken_back"] = journal.settle(args.dataset)
        torn = salvage.find(args.dataset, args.label, args.group)
        repaired["taken_up"] = salvage.take_up(args.dataset, torn)
        for what in repaired["taken_back"]:
            output.say(f"a change that was cut off is taken back: {what}")
        for name in repaired["taken_up"]:
            output.say(f"taken up: {name}")
    recipe = Recipe.load(args.app) if args.app else None
    with output.progress("check") as advance:
        found = checks.check(args.dataset, recipe, on_progress=advance)
    for kind, same in itertools.groupby(found, key=lambda one: (one.severity, one.kind)):
        members = list(same)
        output.say(
            f"{kind[0]}: {kind[1]}, {len(members)} times" if len(members) > 1 else f"{kind[0]}: {kind[1]}"
        )
        for one in members[:_OF_A_KIND]:
            more = f" and {len(one.takes) - 1} more" if len(one.takes) > 1 else ""
            output.say(f"  {one.takes[0]}{more}: {one.says}")
        if len(members) > _OF_A_KIND:
            output.say(f"  … and {len(members) - _OF_A_KIND} more; --json has them all")
    errors = sum(one.severity == "error" for one in found)
    totals = f"{output.counted(errors, 'error')}, {output.counted(len(found) - errors, 'warning')}"
    output.say(totals if found else "nothing found")
    output.result({"findings": [asdict(one) for one in found], "errors": errors, **repaired})
    return 1 if errors else 0


_ACTIONS = {
    "list": _list, "show": _show, "listen": _listen, "trim": _trim, "cut": _cut, "relabel": _relabel,
    "remove": _remove, "undo": _undo, "check": _check,
}  # fmt: skip
