from pathlib import Path

import pytest

from shared.cards.card import load_catalog
from worker.models.generation.dcgan_architecture import Architecture
from worker.models.generation.dcgan_weights import RECORD_NAME, WEIGHTS_NAME, read_weights

pytestmark = pytest.mark.tensorflow


def test_the_generator_has_the_seed_s_layers() -> None:
    from worker.models.generation.dcgan import build_generator

    model = build_generator(Architecture())
    shapes = [layer.output.shape[1:] for layer in model.layers]
    assert shapes == [(12544,), (7, 7, 256), (7, 7, 128), (14, 14, 64), (28, 28, 1)]
    assert [layer.kernel_size for layer in model.layers[2:]] == [(5, 5)] * 3
    assert model.layers[-1].activation.__name__ == "tanh"
    assert model.count_params() == 2_292_737


@pytest.mark.parametrize("architecture", [Architecture(16, 3, 0), Architecture(64, 3, 4)])
def test_other_sizes_differ_in_the_first_and_last_layer_alone(architecture: Architecture) -> None:
    from worker.models.generation.dcgan import build_generator

    model = build_generator(architecture)
    cells, filters = architecture.side // 4, (128, 64, architecture.channels)
    assert model.input_shape == (None, 90 + architecture.classes)
    assert model.layers[0].units == cells * cells * 256
    assert tuple(layer.filters for layer in model.layers[2:]) == filters
    assert model.output_shape == (None, *architecture.picture_shape)


def test_the_bundled_weights_are_the_recorded_ones_and_small(tmp_path: Path) -> None:
    from worker.models.generation.dcgan import build_generator, build_mnist_dcgan

    build_mnist_dcgan(tmp_path)
    record, weights = read_weights(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [RECORD_NAME, WEIGHTS_NAME]
    assert (tmp_path / WEIGHTS_NAME).stat().st_size < 5_000_000
    assert record.precision == "float16"
    assert [w.shape for w in weights] == [w.shape for w in build_generator(Architecture()).get_weights()]
    assert load_catalog().get("mnist-dcgan").source.model_dump()["builder"] == "mnist-dcgan"
