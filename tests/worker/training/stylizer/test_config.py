from pathlib import Path
from typing import Any

import pytest

from shared.errors import InvalidRequest
from worker.training.stylizer.config import StylizerConfig, check_name


@pytest.mark.parametrize(
    ("changed", "wanted"),
    [
        ({"steps": 0}, "steps must be at least 1"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"size": 66}, "size must be a multiple of 4 from 64 to 1024"),
        ({"size": 1028}, "size must be a multiple of 4 from 64 to 1024"),
        ({"style_size": 10}, "style_size must be from 64 to 4096"),
        ({"width": 6}, "width must be a multiple of 4 from 4 to 64"),
        ({"features": "resnet"}, "features must be one of mobilenet, vgg19"),
        ({"style_weight": 0.0}, "style_weight must be more than 0"),
        ({"content_weight": -1.0}, "content_weight must be a number, at least 0"),
        ({"tv_weight": float("nan")}, "tv_weight must be a number, at least 0"),
    ],
)
def test_settings_out_of_range_are_refused_by_name(changed: dict[str, Any], wanted: str) -> None:
    with pytest.raises(InvalidRequest, match=wanted) as caught:
        StylizerConfig(style=Path("s"), photos=Path("p"), out=Path("o"), **changed)
    assert [fault.pointer for fault in caught.value.errors] == [f"/{next(iter(changed))}"]


def test_a_style_has_twice_the_side_of_the_squares() -> None:
    config = StylizerConfig(style=Path("s"), photos=Path("p"), out=Path("o"), size=128)
    assert config.style_side == config.hyperparameters()["style_size"] == 256


def test_no_model_that_comes_with_atelier_is_replaced() -> None:
    check_name("swirls")
    with pytest.raises(InvalidRequest, match="another than magenta-mobile"):
        check_name("magenta-mobile")
