"""A new kind of job goes all the way by what it brings: a specification, a form, a network, a module."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
import pytest

from api.docs.form_schemas import input_schema
from api.jobs.submission import Caller, submit_form, submit_json
from api.requests import forms
from api.requests.form_fields import COMMON, FormField
from api.requests.pictures import Fields, Parts
from api.services import Services
from shared.cards import parts
from shared.cards.card import ModelCard
from shared.cards.parts import CardRules, Range
from shared.errors import AtelierError, FieldError, InvalidRequest
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.status import Status
from shared.specs import spec as specs
from shared.specs.base import default_of, outside
from shared.specs.parts import FileId, PictureSize, Size
from shared.specs.spec import JOB_SPEC
from shared.specs.working_size import ContentSpec, working_size
from tests.support.images import pictures
from worker import pipeline
from worker.codec.decode import InputFile, decode
from worker.execution.attempt import AttemptsInFlight, Stages
from worker.execution.batcher import Batcher
from worker.execution.resources import Pixels, Resources, ResultPicture, StyleCache
from worker.kinds.styles import on_runner
from worker.models import loading
from worker.models.files.manifest import StoredModel
from worker.models.registry import ModelRegistry
from worker.models.store import ModelStore
from worker.runner import JobRunner

CALLER = Caller(ANONYMOUS)


class MirrorSpec(ContentSpec):
    """The content picture, mirrored and made brighter."""

    type: Literal["mirror"]
    content: FileId
    size: Size = Size()
    gain: float | None = None

    def range_faults(self, card: ModelCard) -> Iterator[FieldError]:
        yield from outside("gain", self.gain, card, card.parameters.get("gain"))

    def filled(self, card: ModelCard, *_: Any) -> "MirrorSpec":
        return self.model_copy(update={"model": card.name, "gain": default_of(self.gain, card, "gain")})

    def file_fields(self) -> Iterator[tuple[str, str]]:
        yield "/content", self.content

    def work_units(self, card: ModelCard, content: PictureSize | None) -> float:
        return float(content.width * content.height) if content else 0.0


@dataclass
class Mirror:
    """A network that needs no weights."""

    card: ModelCard
    digest: str
    warm: ClassVar[list[str]] = []

    def warm_up(self) -> None:
        self.warm.append(self.card.name)

    def mirror(self, picture: Pixels, gain: float) -> Pixels:
        return np.clip(picture[:, ::-1] * gain, 0, 255).astype(np.uint8)


class MirrorKind:
    """What a module of `worker.kinds` has."""

    @staticmethod
    def prepare(
        spec: MirrorSpec, inputs: Mapping[str, InputFile], card: ModelCard, resources: Resources
    ) -> tuple[MirrorSpec, Pixels]:
        still = decode(inputs[spec.content], resources.limits, field="/content")
        assert working_size(spec, card, still.size) == still.size
        return spec, still.rgb

    @staticmethod
    def predict(
        prepared: tuple[MirrorSpec, Pixels], model: Mirror, resources: Resources, stages: Stages
    ) -> list[ResultPicture]:
        spec, rgb = prepared
        return [
            ResultPicture(on_runner(resources, stages.attempt, model, lambda: model.mirror(rgb, spec.gain)))
        ]


def load(card: ModelCard, stored: StoredModel) -> Mirror:
    return Mirror(card, stored.manifest.digest)


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines that a new kind adds to the tables."""
    table = {"gain": FormField(("gain",), float), **COMMON}
    monkeypatch.setitem(parts.KINDS, "mirror", CardRules(frozenset({"gain"})))
    monkeypatch.setitem(specs.SPECS, "mirror", MirrorSpec)
    monkeypatch.setitem(forms.FORMS, "mirror", forms.JobForm("mirror", table, ("content",)))
    monkeypatch.setitem(loading.LOADERS, "mirror", load)
    monkeypatch.setitem(pipeline.KINDS, "mirror", MirrorKind)


@pytest.fixture
def card(services: Services, tmp_path: Path) -> ModelCard:
    """An operator's own card."""
    network = tmp_path / "network"
    network.mkdir()
    (network / "saved_model.pb").write_bytes(b"no weights")
    text = {
        "name": "looking-glass", "kind": "mirror", "title": "A mirror", "version": "1", "license": "none",
        "description": "Left is right.", "source": {"type": "saved_model", "path": str(network)},
        "default": True, "parameters": {"gain": {"minimum": 0, "maximum": 4, "default": 2}},
    }  # fmt: skip
    services.settings.cards.mkdir(parents=True)
    (services.settings.cards / "looking-glass.json").write_text(json.dumps(text))
    return services.catalog.get("looking-glass")


@pytest.fixture
def content(services: Services) -> str:
    data = pictures.png()
    return services.files.add(ANONYMOUS, data, probe(data, ImageLimits()))[0].id


def submitted_by_json(services: Services, content: str) -> str:
    return submit_json(services, {"type": "mirror", "content": content, "gain": 1}, CALLER).id


def submitted_by_form(services: Services, _: str) -> str:
    sent = Fields([("gain", "1")]), Parts([("content", pictures.png())])
    return submit_form(services, forms.FORMS["mirror"].read(*sent), CALLER).id


@pytest.mark.parametrize("submit", [submitted_by_json, submitted_by_form])
def test_a_new_kind_goes_from_the_request_to_a_stored_picture(
    services: Services, card: ModelCard, content: str, tmp_path: Path, submit: Any
) -> None:
    store = ModelStore(tmp_path / "models")
    store.pull(card)
    job_id = submit(services, content)
    queued = services.store.get(job_id, ANONYMOUS)
    assert (queued.status, queued.inputs.keys()) == (Status.QUEUED, {content})
    runner = JobRunner(
        "w1",
        services.store,
        services.queue,
        models=ModelRegistry(services.catalog, store),
        resources=Resources(services.objects, Batcher(1), StyleCache(), ImageLimits()),
        held=AttemptsInFlight(),
    )
    runner.handle(job_id, queued.lane)
    done = services.store.get(job_id, ANONYMOUS)
    assert done.status is Status.SUCCEEDED, done.error
    assert Mirror.warm[-1] == "looking-glass"
    found = decode(services.objects.get(done.outputs[0].key), ImageLimits(), field="")
    assert (found.rgb == pictures.gradient()[:, ::-1]).all()


def test_its_defaults_and_ranges_are_its_cards(services: Services, card: ModelCard, content: str) -> None:
    job_id = submit_json(services, {"type": "mirror", "content": content}, CALLER).id
    assert services.store.get(job_id, ANONYMOUS).spec.gain == 2
    for gain, text in ((5, "between 0 and 4; got 5"), ("x", "must be a number")):
        with pytest.raises(InvalidRequest, match=text):
            submit_json(services, {"type": "mirror", "content": content, "gain": gain}, CALLER)
    with pytest.raises(AtelierError, match="4096"):
        working_size(JOB_SPEC.validate_python({"type": "mirror", "content": content}), card, (9000, 9))


def test_it_is_read_back_as_it_was_written(card: ModelCard, content: str) -> None:
    spec = JOB_SPEC.validate_python({"type": "mirror", "content": content})
    assert isinstance(spec, MirrorSpec)
    assert JOB_SPEC.validate_json(spec.model_dump_json()) == spec
    assert input_schema(card)["properties"]["gain"]


def test_a_card_of_a_new_kind_gives_the_parameters_of_that_kind_alone(card: ModelCard) -> None:
    assert card.parameters == {"gain": Range(minimum=0, maximum=4, default=2)}
    with pytest.raises(ValueError, match="a mirror job has no parameter strength"):
        ModelCard.model_validate(card.model_dump() | {"parameters": {"strength": card.parameters["gain"]}})


def test_a_kind_that_is_not_registered_is_refused_by_name(
    monkeypatch: pytest.MonkeyPatch, card: ModelCard, content: str
) -> None:
    for table in (parts.KINDS, specs.SPECS):
        monkeypatch.delitem(table, "mirror")
    with pytest.raises(ValueError, match="Input should be 'generate', 'stylize' or 'transform'"):
        ModelCard.model_validate(card.model_dump())
    with pytest.raises(ValueError, match="'generate', 'stylize', 'transform'"):
        JOB_SPEC.validate_python({"type": "mirror", "content": content})
