"""What makes two workers of one numerics, and what of two."""

from dataclasses import replace
from pathlib import Path

import pytest

from worker.models.numerics import Found, numerics_of, uses_onednn
from worker.models.processor import Processor, this_processor

SERVER = Processor(
    "AuthenticAMD 26 2", frozenset({"avx", "avx2", "avx512f", "avx512_bf16", "avx512_vnni"}), ("L1 Data 48K",)
)
FOUND = Found(SERVER, onednn=True, threads=1, libraries={"tensorflow": "2.21.0", "numpy": "2.4.6"})
OLD = replace(SERVER, flags=frozenset({"avx", "avx2"}))
CPUINFO = """processor\t: 0
vendor_id\t: AuthenticAMD
cpu family\t: 26
model\t\t: 2
model name\t: AMD EPYC
flags\t\t: fpu avx avx2 avx512f avx512_bf16 hypervisor

processor\t: 1
vendor_id\t: Other
"""


def test_its_words_say_device_instructions_kernels_and_version() -> None:
    words = numerics_of(FOUND).id.split("-")
    assert words[:4] == ["cpu", "avx512bf16", "onednn", "tf2.21.0"]
    assert len(words) == 5
    assert numerics_of(FOUND).has_fast


def test_a_graphics_card_comes_first_and_paints_exactly() -> None:
    found = numerics_of(replace(FOUND, gpus=("NVIDIA H200, (9, 0), 12.5, 9",)))
    assert found.id.startswith("nvidiah200-avx512bf16-")
    assert not found.has_fast


@pytest.mark.parametrize(
    "other",
    [
        replace(FOUND, onednn=False),
        replace(FOUND, threads=2),
        replace(FOUND, processor=replace(SERVER, name="GenuineIntel 6 143")),
        replace(FOUND, processor=replace(SERVER, caches=("L1 Data 32K",))),
        replace(FOUND, processor=replace(SERVER, flags=SERVER.flags | {"avx_vnni"})),
        replace(FOUND, libraries={"tensorflow": "2.21.0", "numpy": "2.5.0"}),
        replace(FOUND, gpus=("NVIDIA H200, (9, 0), 12.5, 9",)),
        replace(FOUND, variables={"ONEDNN_MAX_CPU_ISA": "AVX2"}),
    ],
)
def test_all_that_changes_bytes_changes_it(other: Found) -> None:
    assert numerics_of(other).id != numerics_of(FOUND).id


def test_what_computes_nothing_does_not_change_it() -> None:
    virtual = replace(FOUND, processor=replace(SERVER, flags=SERVER.flags | {"hypervisor", "nonstop_tsc"}))
    assert numerics_of(virtual) == numerics_of(FOUND)


def test_plain_kernels_and_old_processors_gain_nothing_by_narrow_numbers() -> None:
    assert not numerics_of(replace(FOUND, onednn=False)).has_fast
    assert not numerics_of(replace(FOUND, processor=OLD)).has_fast


@pytest.mark.parametrize(
    ("value", "processor", "expected"),
    [
        ("0", SERVER, False),
        ("False", SERVER, False),
        ("1", OLD, True),
        ("TRUE", OLD, True),
        ("", SERVER, True),
        ("-1", SERVER, True),
        ("-1", OLD, False),
        ("yes", OLD, False),
    ],
)
def test_it_knows_what_tensorflow_makes_of_the_operators_variable(
    value: str, processor: Processor, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert uses_onednn({"TF_ENABLE_ONEDNN_OPTS": value}, processor) is expected


def test_the_processor_is_read_from_the_systems_files(tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(CPUINFO)
    for index, (level, kind, size) in enumerate(
        [("1", "Data", "48K"), ("2", "Unified", "1M"), ("3", "U", "32M")]
    ):
        folder = tmp_path / "cache" / f"index{index}"
        folder.mkdir(parents=True)
        for name, text in (("level", level), ("type", kind), ("size", size)):
            (folder / name).write_text(f"{text}\n")
    found = this_processor(tmp_path / "cpuinfo", tmp_path / "cache")
    assert (found.name, found.caches) == ("AuthenticAMD 26 2", ("L1 Data 48K", "L2 Unified 1M"))
    assert (found.instructions, found.has_bfloat16) == ("avx512bf16", True)


def test_a_system_without_such_files_has_a_processor_all_the_same(tmp_path: Path) -> None:
    found = this_processor(tmp_path / "none", tmp_path / "none")
    assert found.name
    assert not found.has_bfloat16
    assert numerics_of(replace(FOUND, processor=found)).id
