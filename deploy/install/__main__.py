"""Install what a lock file names into a virtual environment, with the pip that came with Python.

`python3 deploy/install .venv requirements/worker.txt` is what `make` calls. It needs the standard library
alone, shows progress, keeps pip's own output in a log, and turns what can go wrong into one sentence. A lock
is whole, so pip's resolver never runs (`--no-deps`): an old pip would look at newer releases than the locked
ones, and stop.
"""

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

from causes import SIZES, InstallError, explained
from environment import ROOT, check_disk, check_existing, is_installed, make, note
from progress import Progress, lines_of, say

PACKAGES = ("api", "atelier", "shared", "worker")  # the folders of Atelier's own code
WITH_MODELS = ("worker.txt", "dev.txt")  # locks with all that models are built from


def main(arguments: list[str]) -> int:
    """Install; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("venv", type=Path, help="The folder of the virtual environment.")
    parser.add_argument("lock", type=Path, help="A lock file, such as requirements/worker.txt.")
    options = parser.parse_args(arguments)
    try:
        install(options.venv, options.lock)
    except InstallError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The same command goes on where it is needed.", file=sys.stderr)
        return 130
    return 0


def install(venv: Path, lock: Path) -> None:
    """Bring a virtual environment to what a lock says; do nothing where it is there. Raise InstallError."""
    if venv.exists():
        check_existing(venv)
    if is_installed(venv, lock):
        return
    if not (venv / "bin" / "python").exists():
        make(venv)
    check_disk(venv, lock)
    note(venv, None)
    run_pip(venv, lock)
    note(venv, lock)
    prepare(venv, lock)
    say(f"installed everything into {venv}")


def run_pip(venv: Path, lock: Path) -> None:
    """Install the lock's packages and Atelier, and check that they fit together; raise InstallError."""
    log = venv / "install.log"
    log.unlink(missing_ok=True)
    count = len(re.findall(r"^[\w.-]+==", lock.read_text(), flags=re.MULTILINE))
    size = f", {SIZES[lock.name]} on disk" if lock.name in SIZES else ""
    say(f"installing {count} packages into {venv}{size}; pip's own words are in {log}")
    follow(venv, lock, ["install", "--no-deps", "--require-hashes", "-r", str(lock)], Progress(venv, count))
    follow(venv, lock, ["install", "--no-deps", "--no-build-isolation", "-e", str(ROOT)], None)
    follow(venv, lock, ["check"], None)


def prepare(venv: Path, lock: Path) -> None:
    """Do what the first start would do: compile Atelier's code and, with TensorFlow, export the models.

    Where that fails, the first start takes longer, and says why if it cannot do it either.
    """
    python, log = venv / "bin" / "python", venv / "install.log"
    steps = [["-m", "compileall", "-q", *(str(ROOT / name) for name in PACKAGES)]]
    if lock.name in WITH_MODELS:
        say("exporting the models that workers load")
        steps.append(["-m", "worker.models.prebuilt"])
    with log.open("a", encoding="utf-8") as output:
        for step in steps:
            done = subprocess.run([python, *step], cwd=ROOT, stdout=output, stderr=output, check=False)
            if done.returncode:
                say(f"that is left to the first start; why stands in {log}")


def follow(venv: Path, lock: Path, arguments: list[str], progress: "Progress | None") -> None:
    """Run one pip command into the log, and show its progress; raise InstallError with its cause."""
    python = venv / "bin" / "python"
    command = [str(python), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
    if arguments[0] == "install":
        command += ["--progress-bar", "off"]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1", "LC_ALL": "C.UTF-8"}
    with (venv / "install.log").open("a", encoding="utf-8") as log:
        pip = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8", env=environ
        )
        for line in lines_of(pip):
            log.write(line)
            log.flush()
            if progress is not None:
                progress.see(line)
    if progress is not None:
        progress.end()
    if pip.wait():
        raise InstallError(explained((venv / "install.log").read_text("utf-8"), venv, lock))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
