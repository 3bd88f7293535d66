import numpy as np
import pytest

from worker.models.generation.dcgan_architecture import Architecture
from worker.training.data import Pictures

pytestmark = pytest.mark.tensorflow

SMALL = Architecture(16, 1, 2)


def test_a_generator_that_paints_like_the_data_is_nearer_to_it() -> None:
    from worker.models.generation.dcgan import build_generator
    from worker.training.quality import QualityCheck

    black = np.random.default_rng(1).integers(0, 12, (60, 16, 16, 1), np.uint8)
    pictures = Pictures(black, np.arange(60, dtype=np.uint8) % 2, ("a", "b"))
    check = QualityCheck(pictures, SMALL, seed=1)
    grey = build_generator(SMALL).get_weights()
    dark = [*grey[:-1], np.full_like(grey[-1], -3.0)]
    assert check.of(dark) < check.of(grey)
    assert check.of(dark) == check.of(dark)
