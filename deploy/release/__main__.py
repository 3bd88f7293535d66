"""`python deploy/release FOLDER`: build all that a release consists of, but for the images.

The sources, the wheels of the service and of its client, lists of what each image holds (CycloneDX) and
checksums. Built again from the same commit, the wheels have the same bytes.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# The locks of each image, in the order in which its packages are installed.
IMAGES = {
    "api": ("api.txt",),
    "worker": ("worker.txt", "tensorflow-cpu.txt"),
    "worker-gpu": ("worker-gpu.txt",),
}


class ReleaseError(Exception):
    """Raised when there is nothing to release; says why in one sentence."""


def version() -> str:
    """Return the version, which stands in pyproject.toml alone; raise ReleaseError where it has no entry."""
    found = str(tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"])
    if f"## [{found}]" not in (ROOT / "CHANGELOG.md").read_text("utf-8"):
        raise ReleaseError(f"CHANGELOG.md has no entry for {found}")
    return found


def git(*arguments: str) -> str:
    """Return what git says of the repository; raise ReleaseError where there is none."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise ReleaseError("a release is built from a clone of the repository")
    return done.stdout


def export_sources(folder: Path) -> None:
    """Copy the files that the repository tracks, with rights that do not depend on who cloned it."""
    for name in filter(None, git("ls-files", "-z").split("\0")):
        source, target = ROOT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            target.chmod(0o755 if os.access(source, os.X_OK) else 0o644)


def build(sources: Path, folder: Path, *options: str) -> None:
    """Build distributions into a folder; their files have the time of the commit, and rights of no umask.

    Raises ReleaseError.
    """
    environ = {**os.environ, "SOURCE_DATE_EPOCH": git("log", "-1", "--format=%ct").strip()}
    command = [
        sys.executable,
        "-m",
        "build",
        "--no-isolation",
        "--outdir",
        str(folder),
        *options,
        str(sources),
    ]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, umask=0o022)
    if done.returncode:
        raise ReleaseError(f"{sources} cannot be built: {done.stderr or done.stdout}")


def build_wheels(folder: Path) -> None:
    """Build the service's sources, its wheel out of these, and the client's wheel."""
    with tempfile.TemporaryDirectory() as scratch:
        export_sources(Path(scratch))
        build(Path(scratch), folder)
        build(Path(scratch) / "clients/python", folder, "--wheel")


def locked(image: str) -> str:
    """Return the lock of an image, without what its Dockerfile takes out again."""
    text = "".join((ROOT / "requirements" / lock).read_text("utf-8") for lock in IMAGES[image])
    dockerfile = ROOT / f"deploy/docker/{image.partition('-')[0]}.Dockerfile"
    commands = dockerfile.read_text("utf-8").replace("\\\n", " ")
    removed = " ".join(re.findall(r"uninstall --yes ([\w -]+)", commands)).split()
    if "tensorflow-cpu.txt" in IMAGES[image]:  # it takes the place of the other
        removed.append("tensorflow")
    for name in removed:
        text, count = re.subn(rf"(?m)^{name}==(?:.*\\\n)*.*\n", "", text)
        if not count:
            raise ReleaseError(f"the lock of {image} has no {name}, which its Dockerfile takes out")
    return text


def list_packages(image: str, file: Path) -> None:
    """Write what an image holds beside Atelier and its base image, by its locks."""
    command = [sys.executable, "-W", "ignore", "-m", "cyclonedx_py", "requirements", "--output-reproducible"]
    options = ["--pyproject", str(ROOT / "pyproject.toml"), "--mc-type", "application", "--of", "JSON"]
    given = [*command, *options, "--output-file", str(file), "-"]
    subprocess.run(given, check=True, input=locked(image), text=True)


def write_sums(folder: Path) -> None:
    """Write SHA256SUMS, as `sha256sum --check` reads it."""
    files = sorted(path for path in folder.iterdir() if path.name != "SHA256SUMS")
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / "SHA256SUMS").write_text("".join(lines), "utf-8")


def release(parent: Path) -> Path:
    """Build everything into a folder named by the version, in the place of an older one; return it."""
    folder = parent.resolve() / version()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    build_wheels(folder)
    for image in IMAGES:
        list_packages(image, folder / f"atelier-{image}.cdx.json")
    write_sums(folder)
    return folder


def main() -> int:
    """Build into the folder that is named; `dist` where none is."""
    try:
        folder = release(Path(sys.argv[1] if len(sys.argv) > 1 else "dist"))
    except ReleaseError as error:
        print(f"nothing was built: {error}", file=sys.stderr)
        return 1
    for path in sorted(folder.iterdir()):
        print(f"{path.stat().st_size:>12,}  {path}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
