"""Why an installation stopped, in one sentence that says what to do."""

import os
import re
import sys
from pathlib import Path

SIZES = {"dev.txt": "2.7 GB", "worker.txt": "2.4 GB", "api.txt": "0.2 GB"}  # on disk, by `du -sh`

CAUSES = (
    ("No space left on device", "The disk is full: {venv} needs about {size}."),
    (
        "DO NOT MATCH THE HASHES",
        "The package index sent a file that is not the one in {lock}: something on the way replaces files."
        " Try another network, or another index by PIP_INDEX_URL.",
    ),
    (
        r"ProxyError|Cannot connect to proxy|Tunnel connection failed",
        "The proxy does not let pip through: check HTTPS_PROXY ({proxy}), or unset it.",
    ),
    (
        r"NameResolutionError|NewConnectionError|ConnectTimeoutError|ReadTimeoutError|Failed to establish"
        r"|Temporary failure in name resolution|Network is unreachable|Connection (?:refused|reset|aborted)",
        "The package index does not answer: check the network, name a proxy by HTTPS_PROXY, or an index that"
        " this machine reaches by PIP_INDEX_URL.",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED",
        "The package index shows a certificate that this machine does not trust: name your network's"
        " certificates by PIP_CERT.",
    ),
    ("No module named pip", "{venv} has no pip. Remove it (rm -r {venv}) and run the command again."),
    (
        r"\S+ \S+ (?:has requirement|requires) ",
        "The packages in {venv} do not fit together, as `pip check` says in {log}."
        " Remove it (rm -r {venv}) and run the command again.",
    ),
    (r"Permission denied|Read-only file system", "{venv} cannot be written: check who owns the folder."),
    (
        r"No matching distribution found for (?P<name>[\w.-]+)",
        "There is no {name} for this machine ({machine}, Python {python}): Atelier runs on Linux with glibc,"
        " on x86_64 and aarch64.",
    ),
)


class InstallError(Exception):
    """Raised when the installation cannot go on; the text says what to do."""


def explained(output: str, venv: Path, lock: Path) -> str:
    """Return one sentence on why pip stopped, from what it printed."""
    for pattern, sentence in CAUSES:
        if found := re.search(pattern, output):
            return sentence.format(
                venv=venv,
                log=venv / "install.log",
                lock=lock,
                size=SIZES.get(lock.name, "1 GB"),
                proxy=os.environ.get("HTTPS_PROXY") or os.environ.get("https_proxy") or "not set",
                machine=os.uname().machine,
                python=sys.version.split()[0],
                name=found.groupdict().get("name"),
            )
    last = "\n".join(output.strip().splitlines()[-3:])
    return f"pip stopped; all that it said is in {venv / 'install.log'}, at the end:\n{last}"
