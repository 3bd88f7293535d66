"""Strips against the whole network, and how a large painting behaves on its way."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from shared.cards.card import ModelCard
from shared.errors import ImageTooSmall, OutOfMemory
from tests.support.images.float_pictures import noise, photo
from tests.support.models.float64_transformer import paint
from worker.models.style_network.weights import TransformerWeights
from worker.models.stylization.magenta_mobile import magenta_transformer
from worker.models.stylization.multistyle import STYLES, multistyle_transformer

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

SMALL_STRIPS = 1 << 16  # a few rows each, so that small pictures have many
MEDIUM_STRIPS = 1 << 19


@dataclass(frozen=True)
class Network:
    weights: TransformerWeights
    style: np.ndarray
    whole: Callable[[np.ndarray], np.ndarray]  # of pixels, without rounding

    def strips(self, picture: np.ndarray, values: int = SMALL_STRIPS) -> np.ndarray:
        from worker.models.style_network.large_pictures import LargePainter

        return LargePainter(self.weights, values).paint(picture, self.style, lambda done, total: None)


def network(weights: TransformerWeights, style: np.ndarray) -> Network:
    import tensorflow as tf

    from worker.models.style_network.fast import FastTransformer

    shapes = (tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, weights.style_size]))
    function = tf.function(FastTransformer(weights), [shapes], autograph=False)
    return Network(weights, style, lambda picture: function((floats(picture)[None], style[None]))[0].numpy())


@pytest.fixture(scope="module")
def magenta() -> Network:
    """With a vector as the predictor gives them: mean 0, deviation 0.7."""
    vector = 0.7 * np.random.default_rng(3).standard_normal(100)
    return network(magenta_transformer(), vector.astype(np.float32))


@pytest.fixture(scope="module")
def multistyle() -> Network:
    return network(multistyle_transformer(), np.eye(STYLES, dtype=np.float32)[7])


@pytest.fixture(params=["magenta", "multistyle"])
def either(request: pytest.FixtureRequest) -> Network:
    found: Network = request.getfixturevalue(request.param)
    return found


def floats(picture: np.ndarray) -> np.ndarray:
    return np.divide(picture, 255, dtype=np.float32)


def pixels(picture: np.ndarray) -> np.ndarray:
    return np.rint(picture * 255).astype(np.uint8)


def assert_same_picture(painted: np.ndarray, expected: np.ndarray) -> None:
    """Compare 8-bit pixels with numbers in 0..1: no pixel is off by more than a level, and few by one."""
    apart = np.abs(painted - expected * 255.0)
    assert apart.max() <= 1.2  # rounding to pixels alone makes it 0.5; seen: 0.9
    assert (painted != np.rint(expected * 255)).mean() <= 0.04  # seen: 0.02


def assert_no_seam(painted: np.ndarray, expected: np.ndarray) -> None:
    """A seam would be a step, from some row to the next, in what distinguishes the two pictures."""
    level = (painted - expected * 255.0).mean(axis=1)  # of each row and color
    noise_of_rounding = np.sqrt(1 / 12 / painted.shape[1])
    assert np.abs(np.diff(level, axis=0)).max() <= 8 * noise_of_rounding


@pytest.mark.parametrize(("height", "width"), [(96, 128), (67, 90), (16, 16), (8, 40), (301, 17)])
def test_strips_give_the_picture_of_float64_arithmetic(either: Network, height: int, width: int) -> None:
    picture = pixels(photo("coffee", height, width))
    grid = np.pad(picture, [(0, -height % 4), (0, -width % 4), (0, 0)], mode="reflect")
    expected = paint(either.weights, floats(grid), either.style)[:height, :width]
    apart = np.abs(either.strips(picture, 1 << 12) - expected * 255.0)
    assert apart.mean() <= 0.3  # rounding to pixels alone makes it 0.25
    assert apart.max() <= 1.5


def test_no_seam_shows_at_1024(either: Network) -> None:
    picture = pixels(photo("astronaut", 1024, 1024))
    painted, expected = either.strips(picture, MEDIUM_STRIPS), either.whole(picture)
    assert_same_picture(painted, expected)
    assert_no_seam(painted, expected)


def test_no_seam_shows_at_2048_in_the_strips_of_the_service(magenta: Network) -> None:
    from worker.models.style_network.large_pictures import STRIP_VALUES

    picture = pixels(photo("astronaut", 2048, 2048))
    painted, expected = magenta.strips(picture, STRIP_VALUES), magenta.whole(picture)
    assert_same_picture(painted, expected)
    assert_no_seam(painted, expected)


def test_a_seam_would_be_noticed(magenta: Network) -> None:
    picture = pixels(photo("astronaut", 256, 256))
    painted, expected = magenta.strips(picture), magenta.whole(picture)
    assert_no_seam(painted, expected)
    painted[128:] = np.minimum(painted[128:], 254) + 1  # by one level of 255
    with pytest.raises(AssertionError):
        assert_no_seam(painted, expected)


def test_the_height_of_strips_does_not_show(either: Network) -> None:
    picture = pixels(photo("rocket", 200, 300))
    one, two = either.strips(picture, 1 << 13), either.strips(picture, 1 << 17)
    assert np.abs(one.astype(int) - two).max() <= 1
    assert (one != two).mean() <= 0.05


@pytest.mark.parametrize("first", [0, 255])
def test_rows_unlike_all_others_come_first(magenta: Network, first: int) -> None:
    picture = pixels(photo("chelsea", 160, 128))
    picture[:24] = first
    apart = np.abs(magenta.strips(picture, 1 << 13) - magenta.whole(picture) * 255.0)
    assert apart.mean() <= 0.3
    assert apart.max() <= 2


@pytest.mark.parametrize("value", [0, 128, 255])
def test_a_picture_of_hardly_any_contrast_agrees(either: Network, value: int) -> None:
    noise_of_one_level = np.random.default_rng(0).integers(-1, 2, (64, 80, 3))
    picture = np.clip(value + noise_of_one_level, 0, 255).astype(np.uint8)
    assert_same_picture(either.strips(picture, 1 << 13), either.whole(picture))


def test_a_wholly_flat_picture_gets_its_color(magenta: Network) -> None:
    # The norms amplify nothing but rounding, here as in the whole network: only the color can agree.
    picture = np.full((64, 80, 3), 128, np.uint8)
    color = magenta.whole(picture).mean((0, 1)) * 255
    np.testing.assert_allclose(magenta.strips(picture, 1 << 13).mean((0, 1)), color, atol=10)


def test_the_same_picture_gives_the_same_bytes(either: Network) -> None:
    picture = pixels(noise(120, 90))
    np.testing.assert_array_equal(either.strips(picture), either.strips(picture))


@dataclass(frozen=True)
class Painting:
    """A small painting, with its callbacks open."""

    picture: np.ndarray
    network: Network

    def __call__(self, on_step: Callable[[int, int], None], **options: Any) -> np.ndarray:
        from worker.models.style_network.large_pictures import LargePainter

        painter = LargePainter(self.network.weights, SMALL_STRIPS)
        return painter.paint(self.picture, self.network.style, on_step, **options)


@pytest.fixture
def painting(magenta: Network) -> Painting:
    return Painting(pixels(noise(96, 120)), magenta)


def test_steps_count_up_to_their_total(painting: Painting) -> None:
    steps: list[tuple[int, int]] = []
    painting(lambda done, total: steps.append((done, total)))
    total = steps[0][1]
    assert total > 20
    assert steps == [(done, total) for done in range(1, total + 1)]


def test_every_step_goes_through_run(painting: Painting) -> None:
    ran: list[str] = []

    def run(step: Callable[[], None]) -> None:
        worker = threading.Thread(target=step, name="runner")
        worker.start()
        worker.join()
        ran.append(worker.name)

    steps: list[int] = []
    painted = painting(lambda done, total: steps.append(total), run=run)
    assert len(ran) == steps[0]
    np.testing.assert_array_equal(painted, painting(lambda done, total: None))


class WithdrawnError(Exception):
    pass


def test_a_painting_ends_when_its_callback_raises_and_the_next_one_begins(painting: Painting) -> None:
    steps: list[int] = []

    def on_step(done: int, total: int) -> None:
        steps.append(done)
        if done == 5:
            raise WithdrawnError

    with pytest.raises(WithdrawnError):
        painting(on_step)
    assert steps == [1, 2, 3, 4, 5]
    painting(lambda done, total: None)


def test_a_second_painting_waits_for_its_turn_and_can_be_withdrawn(painting: Painting) -> None:
    begun, waited = threading.Event(), threading.Event()

    def first(done: int, total: int) -> None:
        begun.set()
        assert waited.wait(30)

    def second(done: int, total: int) -> None:
        assert done == 0
        waited.set()
        raise WithdrawnError

    thread = threading.Thread(target=painting, args=(first,))
    thread.start()
    assert begun.wait(30)
    with pytest.raises(WithdrawnError):
        painting(second)
    thread.join()


def test_a_stylizer_with_layers_paints_large_what_it_paints_whole(
    magenta_card: ModelCard, magenta_folder: Path
) -> None:
    from worker.models.files.hub import load_module
    from worker.models.style_network.weights import read_transformer
    from worker.models.stylization.stylizer import Stylizer

    module = load_module(magenta_folder)
    stylizer = Stylizer(magenta_card, "digest", module, read_transformer(magenta_folder))
    style, picture = stylizer.prepare_style(photo("rocket", 256, 256)), pixels(photo("chelsea", 99, 150))
    painted = stylizer.paint_large(picture, style, lambda done, total: None)
    assert_same_picture(painted, stylizer.stylize(floats(picture), style))
    smaller = stylizer.paint_large(picture, style, lambda done, total: None, smaller=True)
    assert_same_picture(smaller, floats(painted))
    with pytest.raises(OutOfMemory, match="cannot paint in strips"):
        Stylizer(magenta_card, "digest", module, None).paint_large(picture, style, lambda done, total: None)
    with pytest.raises(ImageTooSmall):
        stylizer.paint_large(picture[:8], style, lambda done, total: None)


def test_a_wider_network_takes_smaller_pictures_for_large(magenta_card: ModelCard) -> None:
    from worker.models.stylization.stylizer import Stylizer

    narrow, wide, unknown = (
        Stylizer(magenta_card, "digest", lambda: None, weights)
        for weights in (magenta_transformer(), multistyle_transformer(), None)
    )
    assert not narrow.is_large(2000, 2000)
    assert narrow.is_large(2200, 2200)
    assert not wide.is_large(1024, 1024)
    assert wide.is_large(1100, 1100)
    assert not unknown.is_large(10_000, 10_000)


CHILD = """
import json, sys
from pathlib import Path
from worker.models.runtime import configure_tensorflow
configure_tensorflow(1, 1)
import numpy as np
from worker.models.style_network.large_pictures import LargePainter
from worker.models.style_network.weights import read_transformer

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024

side = int(sys.argv[2])
painter = LargePainter(read_transformer(Path(sys.argv[1])))
picture = np.tile(np.random.default_rng(0).integers(0, 256, (8, side, 3), np.uint8), (side // 8, 1, 1))
style = np.zeros(100, np.float32)
painter.paint(picture[:64, :64], style, lambda done, total: None)
before = peak()
painter.paint(picture, style, lambda done, total: None)
print(json.dumps([before, peak()]))
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_memory_grows_by_few_bytes_a_pixel(magenta_folder: Path) -> None:
    side = 1600
    command = [sys.executable, "-c", CHILD, str(magenta_folder), str(side)]
    root = Path(__file__).resolve().parents[4]
    done = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    before, peak = json.loads(done.stdout.splitlines()[-1])
    # What is kept, the result, and the strips in work. The whole network takes 150 bytes a pixel or more.
    assert peak - before <= 20 * side**2 / 2**20 + 160
