"""TensorFlow is imported once a process, so each case runs in its own."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from shared.cards.card import ModelCard
from worker.models.files.manifest import make_manifest, write_manifest

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

ROOT = Path(__file__).parents[3]
START = """
import sys
from pathlib import Path
import numpy as np
from shared.cards.card import load_catalog
from worker.models.loading import LOADERS, load_model
from worker.models.files.manifest import StoredModel, read_manifest
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore

configure_tensorflow(1, 1, lean=True)
magenta, digits = map(load_catalog().get, ("magenta-mobile", "mnist-dcgan"))
folder, store = Path(sys.argv[1]), ModelStore(Path(sys.argv[2]))
store.pull(digits)
models = LOADERS["stylize"](magenta, StoredModel(folder, read_manifest(folder))), load_model(digits, store)
for model in models:
    model.warm_up()
warm = set(sys.modules)
pictures = [np.full(shape, 0.5, np.float32) for shape in ((90, 121, 3), (300, 200, 3))]
models[0].stylize(pictures[0], models[0].prepare_style(pictures[1]))
models[1].generate(np.zeros((3, 100), np.float32))
print(*warm)
print(*sorted(set(sys.modules) - warm))
"""
COMPLETE = """
import threading
from worker.models.lean_import import complete_import, import_lean
import_lean()
import tensorflow as tf

start, found, names = threading.Barrier(8), [], ("linalg", "signal", "sparse", "distribute")

def look(number):
    start.wait()
    found.append(len(dir(getattr(tf, names[number % 4]))) and getattr(tf, names[number % 4]).__name__)
    found.append(callable(tf.linalg.qr) and callable(tf.signal.fft) and callable(tf.distribute.has_strategy))

threads = [threading.Thread(target=look, args=(number,)) for number in range(8)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
print(len(found), all(found), tf.distribute.has_strategy())
complete_import()
picture = tf.Variable(tf.ones((1, 8, 8, 3)))
with tf.GradientTape() as tape:
    total = tf.reduce_sum(tf.image.resize(tf.keras.layers.Conv2D(2, 3)(picture), (4, 4)))
print(tape.gradient(total, picture).shape, tf.compat.v1.__name__)
"""

# Each in a copy of the process, as the order in which TensorFlow's modules are executed is another each time.
EACH_FIRST = """
import os
from worker.models import lean_import
lean_import.import_lean()
import tensorflow as tf

for name in sorted(lean_import._public):
    child = os.fork()
    if not child:
        hasattr(getattr(tf, name), "no such name")
        os._exit(f"tensorflow._api.v2.{name}" in lean_import._pending)
    if os.waitpid(child, 0)[1]:
        print("cannot be first:", name)
print(len(lean_import._public))
"""


def run(code: str, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=ROOT, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_worker_warms_its_models_without_keras_and_without_what_draws(
    magenta_folder: Path, magenta_card: ModelCard, tmp_path: Path
) -> None:
    folder = shutil.copytree(magenta_folder, tmp_path / "magenta")
    write_manifest(folder, make_manifest(magenta_card, folder, lambda _: None))
    warm, more_for_a_job = run(START, str(folder), str(tmp_path / "store")).splitlines()
    assert more_for_a_job == ""
    modules = set(warm.split())
    assert "tensorflow" in modules
    unwanted = {"keras", "tf_keras", "matplotlib", "scipy", "pandas", "h5py", "tensorflow_hub", "requests"}
    assert modules & unwanted == set()
    parts = ("tensorflow.python.keras", "tensorflow.lite", "tensorflow._api.v2.compat.v1")
    assert modules & set(parts) == set()


def test_what_was_left_out_is_there_once_it_is_named_in_any_thread_and_all_on_demand() -> None:
    assert run(COMPLETE).splitlines() == ["16 True False", "(1, 8, 8, 3) tensorflow._api.v2.compat.v1"]


def test_any_of_tensorflow_s_packages_can_be_the_first_that_is_used() -> None:
    (count,) = run(EACH_FIRST).splitlines()
    assert int(count) > 30
