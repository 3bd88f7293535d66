import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from worker.codec.pixels import resize
from worker.kinds.postprocessing import Finish, enlarge, finish, steady

PICTURES = arrays(np.uint8, st.tuples(st.integers(1, 300), st.integers(1, 8), st.just(3)))
LUMA = np.array([0.299, 0.587, 0.114])


def painting_of(content: np.ndarray) -> np.ndarray:
    return 255 - content[::-1]


@given(PICTURES)
def test_full_strength_gives_the_painting_and_none_the_content(content: np.ndarray) -> None:
    painted = painting_of(content)
    assert (finish(content, painted, Finish()) == painted).all()
    assert (finish(content, painted, Finish(strength=0)) == content).all()


@given(PICTURES, st.floats(0, 1))
def test_strength_lies_between(content: np.ndarray, strength: float) -> None:
    painted = painting_of(content)
    result = finish(content, painted, Finish(strength=strength)).astype(int)
    assert (result >= np.minimum(content, painted)).all()
    assert (result <= np.maximum(content, painted)).all()


@given(PICTURES)
def test_a_mask_paints_the_white_and_keeps_the_black(content: np.ndarray) -> None:
    painted = painting_of(content)
    mask = np.zeros(content.shape[:2], np.uint8)
    mask[::2] = 255
    result = finish(content, painted, Finish(mask=mask))
    assert (result[::2] == painted[::2]).all()
    assert (result[1::2] == content[1::2]).all()


def test_preserved_color_changes_luminance_alone() -> None:
    random = np.random.default_rng(1)
    content = random.integers(90, 160, (40, 40, 3), dtype=np.uint8)
    painted = random.integers(90, 160, (40, 40, 3), dtype=np.uint8)
    result = finish(content, painted, Finish(preserve_color=True)).astype(float)
    assert result @ LUMA == pytest.approx(painted @ LUMA, abs=1)
    chroma = [picture - (picture @ LUMA)[..., None] for picture in (content.astype(float), result)]
    assert chroma[0] == pytest.approx(chroma[1], abs=1.5)


def test_enlarging_the_content_itself_gives_it_back() -> None:
    random = np.random.default_rng(1)
    grey = resize(random.integers(60, 200, (12, 16), dtype=np.uint8), 160, 120)
    content = np.repeat(grey[..., None], 3, axis=2)
    large = enlarge(resize(content, 40, 30), content)
    assert np.abs(large.astype(int) - content).max() <= 1


def test_enlarging_keeps_edges_that_plain_enlargement_loses() -> None:
    content = np.zeros((128, 128, 3), np.uint8)
    content[:, 64:] = 200
    painted = resize(content, 16, 16)
    plain, detailed = resize(painted, 128, 128), enlarge(painted, content)
    jumps = [int(np.abs(np.diff(p[:, :, 0].astype(int), axis=1)).max()) for p in (plain, detailed)]
    assert jumps[1] > 5 * jumps[0]


def test_a_still_part_flickers_less_and_a_moving_one_follows() -> None:
    random = np.random.default_rng(1)
    before, current = random.integers(0, 255, (2, 8, 8, 3), dtype=np.uint8)
    change = np.zeros((8, 8, 3), np.uint8)
    change[4:] = 255
    result = steady(current, before, change=change, keep=0.75).astype(float)
    flicker = [np.abs(frame - before.astype(float))[:4].mean() for frame in (current, result)]
    assert flicker[1] == pytest.approx(flicker[0] / 4, rel=0.05)
    assert (result[4:] == current[4:]).all()
