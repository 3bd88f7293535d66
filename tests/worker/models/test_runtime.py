"""TensorFlow is configured once a process, so each case runs in its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

CODE = """
import os
from worker.models.runtime import configure_tensorflow
configure_tensorflow(1, 2)
import tensorflow as tf
tf.constant(1) + 1
configure_tensorflow(1, 2)
threading = tf.config.threading
print(threading.get_intra_op_parallelism_threads(), threading.get_inter_op_parallelism_threads())
print(os.environ["TF_ENABLE_ONEDNN_OPTS"], os.environ["TF_CPU_ALLOCATOR_USE_BFC"])
try:
    configure_tensorflow(2, 2)
except RuntimeError:
    print("too late")
"""


def test_threads_and_environment_are_set_and_the_operators_wins() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    run = subprocess.run(
        [sys.executable, "-c", CODE],
        capture_output=True,
        text=True,
        env=environment | {"TF_ENABLE_ONEDNN_OPTS": "1"},
        cwd=Path(__file__).parents[3],
    )
    assert run.stdout.split("\n") == ["1 2", "1 true", "too late", ""], run.stderr


KERNELS = """
import os, sys
from worker.models.runtime import configure_tensorflow
configure_tensorflow(1, 1, sys.argv[1])
from worker.models.numerics import own_numerics
print(os.environ["TF_ENABLE_ONEDNN_OPTS"], own_numerics().id)
"""


@pytest.mark.parametrize(
    ("kernels", "given", "value", "word"),
    [
        ("plain", {}, "0", "plain"),
        ("onednn", {}, "1", "onednn"),
        ("onednn", {"TF_ENABLE_ONEDNN_OPTS": "0"}, "0", "plain"),
    ],
)
@pytest.mark.skipif(sys.platform == "darwin", reason="TensorFlow has no oneDNN there")
def test_kernels_are_chosen_before_tensorflow_starts_and_numerics_says_which(
    kernels: str, given: dict[str, str], value: str, word: str
) -> None:
    environment = {name: text for name, text in os.environ.items() if not name.startswith("TF_")} | given
    command = [sys.executable, "-c", KERNELS, kernels]
    run = subprocess.run(
        command, capture_output=True, text=True, env=environment, cwd=Path(__file__).parents[3]
    )
    told, numerics = run.stdout.split()
    assert (told, numerics.split("-")[2]) == (value, word), run.stderr


ABORT = """
import os
from worker.models.runtime import quiet
with quiet():
    os.write(2, b"I0000 00:00:1.0 1 cudart_stub.cc:31] no GPU\\n")
    os.write(2, b"F0000 a fatal error, half a line")
    os.abort()
"""


def test_what_is_no_noise_is_told_even_as_the_process_dies() -> None:
    run = subprocess.run([sys.executable, "-c", ABORT], capture_output=True, text=True, check=False)
    assert run.returncode < 0
    assert run.stderr == "F0000 a fatal error, half a line\n"


def test_starting_tensorflow_prints_nothing() -> None:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    code = (
        "import worker.models.runtime as r; r.configure_tensorflow(1, 1); import sys; sys.stderr.write('x')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environ, check=True
    )
    assert (run.stdout, run.stderr) == ("", "x")
