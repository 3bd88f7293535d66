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
