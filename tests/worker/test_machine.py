"""The fingerprint of a machine: what it is made of, and what makes it another one."""

from dataclasses import replace
from pathlib import Path

import pytest

from shared import machine_memory
from worker import machine
from worker.machine import Machine, this_machine, usable_cores
from worker.models.processor import Processor, available_cores

HERE = Machine("EPYC", ("avx", "fma"), 4, 16_000, "2.21.0", ("mnist-dcgan 2",))


@pytest.mark.parametrize(
    ("change", "names"),
    [
        ({}, ()),
        ({"processor": "Xeon"}, ("processor",)),
        ({"instructions": ("avx",), "cores": 2}, ("instructions", "cores")),
        ({"tensorflow": "2.22.0"}, ("tensorflow",)),
        ({"models": ()}, ("models",)),
        ({"memory_mebibytes": 15_900}, ()),  # a newer kernel leaves a little less
        ({"memory_mebibytes": 8_000}, ("memory",)),
    ],
)
def test_another_machine_is_told_by_what_differs(change: dict[str, object], names: tuple[str, ...]) -> None:
    other = replace(HERE, **change)  # type: ignore[arg-type]
    assert HERE.differences(other) == other.differences(HERE) == names


def test_the_processor_is_told_by_its_model_and_by_what_networks_use_of_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    flags = frozenset(["fpu", "sse4_1", "avx2", "avx512f", "fma", "tsc"])
    monkeypatch.setattr(machine, "this_processor", lambda: Processor("AuthenticAMD 25 17", flags))
    found = this_machine(["b 1", "a 2"])
    assert found.processor == "AuthenticAMD 25 17"
    assert found.instructions == ("avx2", "avx512f", "fma", "sse4_1")
    assert found.models == ("a 2", "b 1")
    assert found.tensorflow.startswith("2.")


@pytest.mark.parametrize(
    ("limits", "cores"),
    [
        ({"a/b/cpu.max": "max 100000", "a/cpu.max": "150000 100000"}, 2),  # begun cores count
        ({"cpu.max": "50000 100000"}, 1),
        ({"a/b/cpu.max": "900000000 100000"}, None),
        ({}, None),
    ],
)
def test_a_limit_of_processor_time_makes_fewer_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limits: dict[str, str], cores: int | None
) -> None:
    (tmp_path / "own").write_text("0::/a/b\n")
    for name, text in limits.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    monkeypatch.setattr(machine_memory, "CGROUPS", tmp_path)
    monkeypatch.setattr(machine_memory, "OWN_CGROUPS", tmp_path / "own")
    assert usable_cores() == min(cores or available_cores(), available_cores())
