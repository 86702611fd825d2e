"""Fetches MicroPython from Debian by apt, into a private folder: nothing is installed, no root is needed.

Debian 12 has no `micropython` package, so six packages of Debian 13 are taken, with private lists, from the
mirror the machine already uses, and run through their own loader: their C library is newer than Debian 12's.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from ..errors import MidgeError

SUITE = "trixie"
PACKAGES = ("micropython", "libc6", "libffi8", "libmbedcrypto16", "libmbedtls21", "libmbedx509-7")
APT_FOLDER = Path("/etc/apt")

_BY_HAND = "install micropython 1.23 or later yourself and set $MIDGE_MICROPYTHON"
_TIMEOUT_S = 300


def fetch(folder: Path) -> tuple[str, ...]:
    """Fetch and unpack under `folder`; returns the command that runs the interpreter.

    Raises MidgeError if this is no Debian-like system or the packages can't be had.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise MidgeError(f"no MicroPython here and no {tool} to fetch it with: {_BY_HAND}")
    uri, keyring = debian_source(APT_FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    # apt drops to the user _apt, who can't look into a home folder: download where everybody can read.
    with tempfile.TemporaryDirectory(prefix="midge-apt-") as work:
        packages = _download(Path(work), uri, keyring)
        fresh = Path(tempfile.mkdtemp(prefix="unpacking-", dir=folder))
        for package in packages:
            _run(["dpkg-deb", "-x", str(package), str(fresh)])
    root = folder / "root"
    shutil.rmtree(root, ignore_errors=True)
    try:
        fresh.rename(root)
    except OSError:
        shutil.rmtree(fresh)  # another process has fetched the same meanwhile
    return command_in(root)


def debian_source(apt_folder: Path) -> tuple[str, str]:
    """The machine's own Debian mirror and keyring, as (URI, keyring path); the keyring may be ''.

    Reads deb822 `.sources` files and one-line `.list` files. Raises MidgeError if none is a Debian archive.
    """
    for path in sorted(apt_folder.glob("sources.list.d/*.sources")):
        for stanza in re.split(r"\n\s*\n", path.read_text(errors="replace")):
            fields = dict(re.findall(r"(?m)^([A-Za-z-]+):[ \t]*(.*)$", stanza))
            uris = [uri for uri in fields.get("URIs", "").split() if _is_debian(uri)]
            if uris and "deb" in fields.get("Types", "").split():
                return uris[0], fields.get("Signed-By", "").strip()
    lists = [apt_folder / "sources.list", *sorted(apt_folder.glob("sources.list.d/*.list"))]
    for path in filter(Path.is_file, lists):
        for options, uri in re.findall(
            r"(?m)^deb\s+(?:\[([^]]*)\]\s+)?(\S+)", path.read_text(errors="replace")
        ):
            if _is_debian(uri):
                signed = re.search(r"signed-by=(\S+)", options)
                return uri, signed.group(1) if signed else ""
    raise MidgeError(f"no Debian mirror among this machine's apt sources: {_BY_HAND}")


def command_in(root: Path) -> tuple[str, ...]:
    """The command that runs the interpreter unpacked under `root`, through its own loader.

    Raises MidgeError if the packages hold something else than expected.
    """
    program = root / "usr/bin/micropython"
    loaders = sorted(path for path in root.rglob("ld-linux*.so.*") if not path.is_dir())
    if not (program.is_file() and loaders):
        raise MidgeError(f"Debian's packages hold no micropython with its loader under {root}: {_BY_HAND}")
    libraries = sorted({str(path.parent) for path in root.rglob("libc.so.6")})
    return (str(loaders[0]), "--library-path", ":".join(libraries), str(program))


def _is_debian(uri: str) -> bool:
    """True for a mirror of the main archive; others carry no suite of that name."""
    return uri.startswith(("http", "file:", "mirror+")) and uri.rstrip("/").endswith("/debian")


def _download(work: Path, uri: str, keyring: str) -> list[Path]:
    for name in ("lists/partial", "cache/archives/partial", "packages"):
        (work / name).mkdir(parents=True)
    signed_by = f"[signed-by={keyring}] " if keyring else ""
    (work / "sources.list").write_text(f"deb {signed_by}{uri} {SUITE} main\n")
    options = [
        f"Dir::Etc::SourceList={work}/sources.list",
        "Dir::Etc::SourceParts=/dev/null",
        f"Dir::State::Lists={work}/lists",
        f"Dir::Cache={work}/cache",
        "Acquire::Languages=none",
    ]
    if os.getuid() == 0:
        # Root's apt would drop to a user who can't write here either.
        options.append("APT::Sandbox::User=root")
    apt = ["apt-get", "-qq", *(word for option in options for word in ("-o", option))]
    _run([*apt, "update"])
    _run([*apt, "download", *PACKAGES], cwd=work / "packages")
    return sorted((work / "packages").glob("*.deb"))


def _run(command: list[str], cwd: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise MidgeError(f"could not fetch MicroPython ({error}): {_BY_HAND}") from error
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise MidgeError(f"could not fetch MicroPython ({command[0]}: {reason}): {_BY_HAND}")
