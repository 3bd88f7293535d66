from pathlib import Path

import pytest

from shared.errors import InvalidRequest
from worker.training.config import TrainingConfig


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("steps", 0),
        ("batch_size", 0),
        ("checkpoint_every", 0),
        ("metrics_every", 0),
        ("sample_every", -1),
        ("check_every", -1),
        ("patience", -1),
        ("size", 12),
        ("size", 30),
        ("size", 132),
        ("channels", 2),
    ],
)
def test_a_number_out_of_range_is_refused_by_name(field: str, value: int) -> None:
    with pytest.raises(InvalidRequest) as caught:
        TrainingConfig(data="mnist", out=Path("out"), **{field: value})
    assert caught.value.errors[0].pointer == f"/{field}"


@pytest.mark.parametrize("seed", [-1, 2**53])
def test_a_seed_out_of_range_is_refused(seed: int) -> None:
    with pytest.raises(InvalidRequest, match="seed"):
        TrainingConfig(data="mnist", out=Path("out"), seed=seed)
