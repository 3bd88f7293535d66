import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from shared.cards.card import Catalog, load_catalog
from shared.errors import InvalidRequest, UnknownModel
from shared.jobs.record import schema_of
from shared.specs.parts import Precision
from shared.specs.spec import JOB_SPEC, MAX_SEED, GenerateSpec, StylizeSpec, resolve

CATALOG = load_catalog()
FILE_A, FILE_B = "file_" + "a" * 64, "file_" + "b" * 64
_PAINTING = {"type": "stylize", "content": FILE_A, "styles": [{"image": FILE_B}]}


def generate(**fields: Any) -> GenerateSpec:
    spec = resolve(JOB_SPEC.validate_python({"type": "generate", **fields}), CATALOG)
    assert isinstance(spec, GenerateSpec)
    return spec


def stylize(**fields: Any) -> StylizeSpec:
    raw = {"type": "stylize", "content": FILE_A, "styles": [{"image": FILE_B}], **fields}
    spec = resolve(JOB_SPEC.validate_python(raw), CATALOG)
    assert isinstance(spec, StylizeSpec)
    return spec


@given(seed=st.integers(0, MAX_SEED - 256), count=st.integers(1, 256))
def test_seed_and_count_become_consecutive_seeds(seed: int, count: int) -> None:
    assert generate(seed=seed, count=count).seeds == list(range(seed, seed + count))


@given(seeds=st.lists(st.integers(0, MAX_SEED), min_size=1, max_size=256))
def test_resolving_what_is_resolved_changes_nothing(seeds: list[int]) -> None:
    once = generate(seeds=seeds)
    assert resolve(once, CATALOG) == once
    assert JOB_SPEC.validate_json(once.model_dump_json()) == once


def test_missing_seeds_are_drawn_at_submission() -> None:
    first, second = generate().seeds, generate().seeds
    assert first != second
    assert first is not None
    assert 0 <= first[0] <= MAX_SEED


def test_defaults_come_from_the_card() -> None:
    assert (stylize().model, stylize().strength, stylize().stroke) == ("magenta-mobile", 1.0, 1024)
    assert (generate().model, generate().truncation) == ("mnist-dcgan", 1.0)


def test_a_stroke_is_a_side_or_native() -> None:
    given = [stylize(stroke=value).stroke for value in (64, 512, 4096, "native")]
    assert given == [64, 512, 4096, "native"]
    once = stylize(stroke="native")
    assert JOB_SPEC.validate_json(once.model_dump_json()) == resolve(once, CATALOG) == once
    for value in (63, 4097, "Native", "", 1.5, []):
        with pytest.raises(ValidationError, match="stroke"):
            stylize(stroke=value)


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"count": 257}, "/count"),
        ({"digit": 10}, "/digit"),
        ({"truncation": 1.5}, "/truncation"),
        ({"seeds": list(range(300))}, "/seeds"),
    ],
)
def test_values_outside_the_cards_range_name_field_and_limit(fields: dict[str, Any], pointer: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        generate(**fields)
    (error,) = caught.value.errors
    assert (error.pointer, error.code) == (pointer, "out_of_range")
    assert "between" in error.detail


def test_all_faults_are_named_at_once() -> None:
    with pytest.raises(InvalidRequest) as caught:
        generate(count=1000, digit=12, truncation=7)
    assert [error.pointer for error in caught.value.errors] == ["/count", "/truncation", "/digit"]


def test_a_strength_of_seven_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="strength must be between 0 and 1; got 7"):
        stylize(strength=7)


@pytest.mark.parametrize("name", ["no-such-model", "mnist-dcgan"])
def test_an_unknown_model_is_refused_by_name(name: str) -> None:
    with pytest.raises(UnknownModel, match=name) as caught:
        stylize(model=name)
    assert caught.value.errors[0].pointer == "/model"


@pytest.mark.parametrize(
    "raw",
    [
        {"type": "generate", "seeds": [1], "seed": 1},
        {"type": "generate", "seed": MAX_SEED, "count": 2},
        {"type": "generate", "seed": -1},
        {"type": "generate", "seed": 1.5},
        {"type": "generate", "unknown": 1},
        {"type": "stylize", "content": FILE_A},
        {"type": "stylize", "content": "file_x", "styles": [{"image": FILE_A}]},
        {"type": "stylize", "content": FILE_A, "styles": []},
        {"type": "other"},
        {},
    ],
)
def test_what_is_not_a_spec_is_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JOB_SPEC.validate_python(raw)


def test_inputs_are_named_once() -> None:
    spec = stylize(styles=[{"image": FILE_A}, {"image": FILE_B}, {"image": FILE_B, "weight": 2}])
    assert spec.inputs == [FILE_A, FILE_B]
    assert generate().inputs == []


WALK = {"seeds": [1, 2, 3], "steps": 16}
VECTOR = [0.5] * 100


def test_a_walk_keeps_its_points_and_names_no_seeds() -> None:
    spec = generate(interpolate=WALK)
    assert (spec.seeds, spec.truncation, spec.pictures) == (None, 1.0, 31)
    assert resolve(spec, CATALOG) == spec


def test_explicit_latents_are_resolved_without_a_truncation() -> None:
    for spec in (generate(latents=[VECTOR]), generate(interpolate={"latents": [VECTOR, VECTOR], "steps": 4})):
        assert spec.truncation is None
        assert resolve(spec, CATALOG) == spec


@pytest.mark.parametrize(
    ("fields", "pointer", "code"),
    [
        ({"latents": [VECTOR], "truncation": 0.5}, "/truncation", "unknown_parameter"),
        (
            {"interpolate": {"latents": [VECTOR, VECTOR]}, "truncation": 0.5},
            "/truncation",
            "unknown_parameter",
        ),
        ({"latents": [VECTOR, [0.5] * 99]}, "/latents/1", "invalid_length"),
        ({"interpolate": {"latents": [[0.5], VECTOR]}}, "/interpolate/latents/0", "invalid_length"),
        ({"interpolate": {"seeds": [1, 2, 3], "steps": 256}}, "/interpolate", "out_of_range"),
    ],
)
def test_what_does_not_fit_the_cards_latent_is_refused_by_field(
    fields: dict[str, Any], pointer: str, code: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        generate(**fields)
    assert [(error.pointer, error.code) for error in caught.value.errors] == [(pointer, code)]


@pytest.mark.parametrize(
    ("fields", "pointer", "detail"),
    [
        ({"digits": "0" * 64, "upscale": {"factor": 10}}, "/upscale", "each picture would be 17920 x 280"),
        ({"count": 256, "digits": "0123456789", "upscale": {"factor": 12}}, "/upscale", "all pictures"),
        ({"count": 256, "grid": {"columns": 16}, "upscale": {"factor": 32}}, "/grid", "206381956 pixels"),
        ({"count": 256, "grid": {"columns": 1, "gap": 64}}, "/grid", "28 x 23488"),
        (
            {
                "count": 256,
                "animation": {},
                "output": {"format": "gif"},
                "upscale": {"factor": 20},
            },
            "/animation",
            "all frames would have 80281600 pixels; at most 64000000",
        ),
        (
            {
                "count": 33,
                "grid": {"columns": 33, "gap": 50},
                "upscale": {"factor": 16},
                "output": {"format": "webp"},
            },
            "/grid",
            "the sheet would be 16384 x 448 pixels; a side may have at most 16383",
        ),
    ],
)
def test_a_result_too_large_to_make_is_refused_at_submission(
    fields: dict[str, Any], pointer: str, detail: str
) -> None:
    with pytest.raises(InvalidRequest) as caught:
        generate(seed=1, **fields)
    (error,) = caught.value.errors
    assert (error.pointer, error.code) == (pointer, "out_of_range")
    assert detail in error.detail


@pytest.mark.parametrize(
    "fields",
    [
        {"upscale": {"factor": 32}, "count": 256},
        {"digits": "0123456789", "grid": {"columns": 16}, "count": 256},
        {"count": 256, "animation": {}, "output": {"format": "webp"}, "upscale": {"factor": 17}},
        {"digits": "2026", "interpolate": WALK, "seed": None},
        {"count": 33, "grid": {"columns": 33, "gap": 50}, "upscale": {"factor": 16}},
    ],
)
def test_what_is_large_and_can_be_made_is_taken(fields: dict[str, Any]) -> None:
    assert generate(**({"seed": 1} | fields)).model == "mnist-dcgan"


def test_a_card_that_gives_no_count_makes_one_picture() -> None:
    card = CATALOG.get("mnist-dcgan").model_copy(update={"parameters": {}})
    spec = JOB_SPEC.validate_python({"type": "generate"})
    resolved = resolve(spec, Catalog([card]))
    assert isinstance(resolved, GenerateSpec)
    assert resolved.pictures == 1


@pytest.mark.parametrize(
    "raw",
    [
        {"seeds": [1], "latents": [VECTOR]},
        {"seeds": [1], "interpolate": WALK},
        {"interpolate": {"seeds": [1]}},
        {"interpolate": {"seeds": [1, 2], "latents": [VECTOR, VECTOR]}},
        {"interpolate": {"seeds": [1, 2], "steps": 1}},
        {"latents": [VECTOR], "digit": 1},
        {"interpolate": {"latents": [VECTOR, VECTOR]}, "digits": "12"},
        {"digit": 1, "digits": "12"},
        {"digits": "12a"},
        {"grid": {}, "animation": {}, "output": {"format": "gif"}},
        {"animation": {}},
        {"animation": {}, "output": {"format": "png"}},
        {"output": {"format": "gif"}},
        {"upscale": {"factor": 33}},
        {"upscale": {"factor": 2, "filter": "bicubic"}},
        {"latents": [[float("nan")] * 100]},
    ],
)
def test_ways_to_ask_that_contradict_each_other_are_refused(raw: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        JOB_SPEC.validate_python({"type": "generate", **raw})


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"upscale": {"factor": 32}}, "each picture would have"),
        ({"grid": {"columns": 16}, "upscale": {"factor": 9}}, "the sheet would be"),
        ({"upscale": {"factor": 16}}, "all pictures would have"),
    ],
)
def test_generated_pictures_that_enlarging_makes_too_large_are_refused(
    more: dict[str, object], told: str
) -> None:
    spec = JOB_SPEC.validate_python({"type": "generate", "count": 256, "output": {"enlarge": 4}, **more})
    faults = list(spec.range_faults(CATALOG.default("generate")))
    assert [fault.pointer for fault in faults] == ["/output/enlarge"], faults
    assert "output.enlarge is too large" in faults[0].detail


@pytest.mark.parametrize("factor", [0, 1, 5, 2.5, "2", True])
def test_only_three_factors_enlarge(factor: object) -> None:
    with pytest.raises(ValidationError):
        JOB_SPEC.validate_python({"type": "generate", "output": {"enlarge": factor}})


@pytest.mark.parametrize(
    ("asked", "default", "kept", "schema"),
    [
        (None, "exact", None, "4"),
        ("exact", "exact", None, "4"),
        ("fast", "exact", "fast", "6"),
        (None, "fast", "fast", "6"),
        ("exact", "fast", "exact", "6"),
    ],
)
def test_a_precision_is_kept_where_it_is_not_what_all_versions_do(
    asked: str | None, default: Precision, kept: str | None, schema: str
) -> None:
    spec = JOB_SPEC.validate_python(_PAINTING | ({"precision": asked} if asked else {}))
    card = CATALOG.get("magenta-mobile")
    resolved = spec.filled(card).with_precision(card, default)
    assert json.loads(resolved.model_dump_json()).get("precision") == kept
    assert schema_of(resolved) == schema


@pytest.mark.parametrize("model", ["nst-gatys", "magenta-v1-256", "multistyle-26"])
def test_a_model_without_a_fast_form_refuses_it_and_no_default_brings_it(model: str) -> None:
    asked = JOB_SPEC.validate_python({**_PAINTING, "model": model, "precision": "fast"})
    with pytest.raises(InvalidRequest) as caught:
        resolve(asked, CATALOG)
    codes = {error.pointer: error.code for error in caught.value.errors}
    assert codes["/precision"] == "out_of_range"
    card = CATALOG.get(model)
    spec = JOB_SPEC.validate_python({**_PAINTING, "model": model})
    assert "precision" not in json.loads(spec.filled(card).with_precision(card, "fast").model_dump_json())


@pytest.mark.parametrize("kind", [{"type": "generate"}, {"type": "transform", "content": FILE_A}])
def test_other_kinds_have_no_precision(kind: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        JOB_SPEC.validate_python({**kind, "precision": "fast"})
