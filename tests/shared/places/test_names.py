"""Names of results: made of a template, always within their folder."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.places.names import MAX_KEY_BYTES, NAME_FIELDS, apart, fault_of_template, key_of
from shared.storage.base import check_key

VALUES = {
    "stem": "harbor", "path": "2026/a", "style": "waves", "custom_id": "00007-harbor", "index": "00007",
    "output": "0", "seed": "", "batch": "batch_1", "ext": "png",
}  # fmt: skip


@pytest.mark.parametrize(
    ("template", "key"),
    [
        ("{stem}-{style}.{ext}", "out/harbor-waves.png"),
        ("{path}{stem}.{ext}", "out/2026/a/harbor.png"),
        ("{style}/{index}.{ext}", "out/waves/00007.png"),
        ("{batch}/{custom_id}.{ext}", "out/batch_1/00007-harbor.png"),
        ("a {{b}} {stem}.{ext}", "out/a {b} harbor.png"),
    ],
)
def test_fields_stand_for_values(template: str, key: str) -> None:
    assert fault_of_template(template) == ""
    assert key_of(template, "out/", VALUES) == key


def test_outputs_of_one_job_are_told_apart() -> None:
    second = {**VALUES, "output": "1", "seed": "8"}
    assert key_of("{stem}.{ext}", "", second, of=2) == "harbor~1.png"
    assert key_of("{stem}_{output}.{ext}", "", second, of=2) == "harbor_1.png"
    assert key_of("{stem}_{seed}.{ext}", "", second, of=2) == "harbor_8~1.png"


def test_a_taken_name_has_the_index_before_it() -> None:
    assert apart("out/a/harbor.png", 7) == "out/a/7~harbor.png"
    assert apart("harbor.png", 7) == "7~harbor.png"


@pytest.mark.parametrize(
    "template",
    [
        "{stem}", "{foo}.{ext}", "../{stem}.{ext}", "/{stem}.{ext}", "a//{stem}.{ext}", "{stem.x}.{ext}",
        "{0}.{ext}", "{stem!r}.{ext}", "{stem:>9999999}.{ext}", "{}.{ext}", "{.{ext}", "a\n.{ext}",
        "a\\b.{ext}", ".{ext}",
    ],
)  # fmt: skip
def test_what_is_no_template_is_refused(template: str) -> None:
    assert fault_of_template(template)


def test_the_fault_names_the_fields_that_there_are() -> None:
    for template in ("{foo}.{ext}", "{.{ext}"):
        assert all(name in fault_of_template(template) for name in NAME_FIELDS)


@given(
    st.fixed_dictionaries({name: st.text(max_size=300) for name in ("stem", "path", "style", "custom_id")})
)
def test_no_value_leaves_the_folder(values: dict[str, str]) -> None:
    for template in ("{path}{stem}-{style}.{ext}", "{custom_id}/{stem}/{style}.{ext}", "{style}.{ext}"):
        key = key_of(template, "out/", {**VALUES, **values})
        check_key(key)
        assert key.startswith("out/")
        assert key.endswith(".png")
        assert not re.search(r"[\x00-\x1f\x7f\\]", key)
        assert not any(part.startswith(".") or len(part.encode()) > 255 for part in key.split("/"))
        assert len(key.encode()) <= MAX_KEY_BYTES
