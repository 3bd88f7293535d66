from pathlib import Path

import numpy as np
import pytest

from shared.errors import ModelCorrupt
from worker.models.style_network.weights import (
    TRANSFORMER_FILE,
    StyleNorm,
    TransformerWeights,
    read_transformer,
    write_transformer,
)
from worker.models.stylization.magenta_mobile import magenta_transformer
from worker.models.stylization.multistyle import multistyle_transformer


@pytest.mark.parametrize("make", [magenta_transformer, multistyle_transformer])
def test_a_transformer_is_read_as_it_was_written(make: object, tmp_path: Path) -> None:
    weights: TransformerWeights = make()  # type: ignore[operator]
    write_transformer(weights, tmp_path)
    found = read_transformer(tmp_path)
    assert found is not None
    assert len(found.residual) == len(weights.residual)
    for one, two in zip(layers(weights), layers(found), strict=True):
        np.testing.assert_array_equal(one.kernel, two.kernel)
        assert isinstance(one.after, StyleNorm) == isinstance(two.after, StyleNorm)
    for one, two in zip(weights.norms(), found.norms(), strict=True):
        for part in ("scale", "shift"):
            np.testing.assert_array_equal(getattr(one, part).matrix, getattr(two, part).matrix)
            np.testing.assert_array_equal(getattr(one, part).bias, getattr(two, part).bias)


def layers(weights: TransformerWeights) -> list[object]:
    return [*weights.contract, *(layer for block in weights.residual for layer in block), *weights.expand]


def test_equal_weights_give_equal_bytes(tmp_path: Path) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        write_transformer(magenta_transformer(), folder)
    one, two = ((folder / TRANSFORMER_FILE).read_bytes() for folder in folders)
    assert one == two


def test_a_folder_without_the_file_has_no_transformer(tmp_path: Path) -> None:
    assert read_transformer(tmp_path) is None


def test_a_damaged_file_is_corrupt(tmp_path: Path) -> None:
    (tmp_path / TRANSFORMER_FILE).write_bytes(b"no archive")
    with pytest.raises(ModelCorrupt, match=TRANSFORMER_FILE):
        read_transformer(tmp_path)


def test_a_file_without_a_layer_is_corrupt(tmp_path: Path) -> None:
    np.savez(tmp_path / TRANSFORMER_FILE, **{"contract0/kernel": np.zeros((9, 9, 3, 8), np.float32)})
    with pytest.raises(ModelCorrupt, match="contract0"):
        read_transformer(tmp_path)
