"""`precision: fast`: how far its pictures are from exact ones, and that equal jobs have equal bytes.

Kernels are chosen once a process, so they compute in processes of their own.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from worker.models.processor import this_processor
from worker.models.style_network.weights import Array

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]
NEEDS_BFLOAT16 = pytest.mark.skipif(
    not this_processor().has_bfloat16, reason="needs a processor with avx512_bf16 or amx_bf16"
)
PAIRS, SIDE = "6", 256
CODE = f"""
import hashlib, json, sys
from concurrent.futures import ThreadPoolExecutor
from worker.models.runtime import configure_tensorflow
configure_tensorflow(1, 1, "onednn")
import numpy as np
from bench.models.precision import difference
from bench.models.stylize_contenders import load_stylizer
from bench.photos import pair

stylizer = load_stylizer("magenta-mobile")
assert stylizer.has_fast
content, style = (np.asarray(image, np.float32) / 255 for image in pair(1, 96))
prepared = stylizer.prepare_style(style)
ways = [stylizer, stylizer.fast, stylizer.fast]
painted = [way.stylize(content, prepared).tobytes() for way in ways]
with ThreadPoolExecutor(4) as threads:  # as jobs of a batch are
    painted += threads.map(lambda way: way.stylize(content, prepared).tobytes(), ways)
apart = [difference(stylizer, number, {SIDE}) for number in range(int(sys.argv[1]))]
found = {{
    "sha256": [hashlib.sha256(data).hexdigest() for data in painted],
    "mean": max((float(each.mean()) for each in apart), default=0),
    "most": max((int(each.max()) for each in apart), default=0),
}}
print(json.dumps(found))
"""


def found(pairs: str = PAIRS) -> Any:
    command = [sys.executable, "-c", CODE, pairs]
    run = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[4], check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def first() -> Any:
    return found()


@NEEDS_BFLOAT16
def test_a_fast_picture_is_as_near_to_the_exact_one_as_is_promised(first: Any) -> None:
    assert 0 < first["mean"] <= 0.5
    assert 1 <= first["most"] <= 8


@NEEDS_BFLOAT16
def test_equal_pictures_have_equal_bytes_alone_together_and_in_another_process(first: Any) -> None:
    again = found(pairs="0")
    exact, fast, *rest = first["sha256"]
    assert fast != exact
    assert rest == [fast, exact, fast, fast]
    assert again["sha256"] == [exact, fast, *rest]


def test_pixels_are_cut_without_loss() -> None:
    import tensorflow as tf

    from worker.models.style_network.narrow import cut_pixels

    levels = np.arange(256, dtype=np.float32)
    assert (tf.cast(cut_pixels(levels / np.float32(255)), tf.float32).numpy() == levels - 128).all()


def test_the_bias_gets_what_the_pixels_lost() -> None:
    import tensorflow as tf

    from worker.models.style_network.narrow import constant_of_pixels

    kernel: Array = np.random.default_rng(1).standard_normal((3, 3, 3, 4)).astype(np.float32)
    picture = np.random.default_rng(2).random((1, 8, 8, 3), np.float32)
    whole, less = (tf.nn.conv2d(each, kernel, 1, "VALID") for each in (picture, picture - 128 / 255))
    np.testing.assert_allclose(whole, less + constant_of_pixels(kernel), atol=1e-5)


def test_the_mean_of_a_relu_is_about_that_of_normal_numbers() -> None:
    from worker.models.style_network.narrow import mean_of_relu

    means, deviations = np.array([-2.0, -0.5, 0, 1, 4], np.float32), np.array([1, 2, 1, 0.5, 0], np.float32)
    numbers = means + deviations * np.random.default_rng(1).standard_normal((200_000, 1)).astype(np.float32)
    np.testing.assert_allclose(mean_of_relu(means, deviations), np.maximum(numbers, 0).mean(0), atol=0.01)
