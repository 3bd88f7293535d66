"""Stylization verbs around a small stylizer in numpy; the real networks have tests of their own."""

import io
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.cards.card import ModelCard, load_catalog
from shared.errors import OutOfMemory
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.job import Job
from shared.jobs.status import Status
from shared.specs.parts import Lane
from tests.support.images import pictures
from tests.worker.conftest import Bench
from worker.models.stylization.stylizer import PreparedStyle


@dataclass
class Mixer:
    """Paints every pixel in the style's mean color; remembers the sizes it worked at."""

    card: ModelCard = field(default_factory=lambda: load_catalog().get("magenta-mobile"))
    digest: str = "mixer"
    sizes: list[tuple[int, ...]] = field(default_factory=list)
    looked_at: int = 0
    has_vectors: bool = True
    large_pixels: int = 10**9
    steps: list[str] = field(default_factory=list)
    fitting: tuple[str, ...] = ("whole", "strips", "small strips")  # forms for which there is memory
    forms: list[str] = field(default_factory=list)  # that were tried
    has_fast: bool = True

    @property
    def fast(self) -> "Mixer":
        """One that paints black."""
        return Blackener(self.card)

    def prepare_style(self, image: np.ndarray) -> PreparedStyle:
        self.looked_at += 1
        return PreparedStyle(image.reshape(-1, 3).mean(axis=0), None)

    def blend(self, styles: list[tuple[PreparedStyle, float]]) -> PreparedStyle:
        weights = [weight for _, weight in styles]
        return PreparedStyle(np.average([s.vector for s, _ in styles], axis=0, weights=weights), None)

    def is_large(self, height: int, width: int) -> bool:
        return height * width > self.large_pixels

    def paint_large(
        self, content: np.ndarray, style: PreparedStyle, on_step: Any, run: Any, *, smaller: bool = False
    ) -> np.ndarray:
        self.forms.append("small strips" if smaller else "strips")
        if self.forms[-1] not in self.fitting:
            raise OutOfMemory("there is no memory")
        for step in range(3):
            run(lambda: self.steps.append(content.dtype.name))
            on_step(step + 1, 3)
        return np.rint(np.broadcast_to(style.vector, content.shape) * 255).astype(np.uint8)

    def stylize(self, content: np.ndarray, style: PreparedStyle) -> np.ndarray:
        self.forms.append("whole")
        if "whole" not in self.fitting:
            raise MemoryError
        self.sizes.append(content.shape[:2])
        return np.broadcast_to(style.vector, content.shape).astype(np.float32)


class Blackener(Mixer):
    def stylize(self, content: np.ndarray, style: PreparedStyle) -> np.ndarray:
        return np.zeros(content.shape, np.float32)


@dataclass
class Studio:
    bench: Bench
    files: FileStore
    model: Mixer

    def upload(self, data: bytes) -> str:
        info = probe(data, ImageLimits(max_frames=10))
        return self.files.add(ANONYMOUS, data, info)[0].id

    def stylize(self, content: bytes, **spec: Any) -> Job:
        styles = spec.pop("styles", None) or [{"image": self.upload(plain((200, 40, 0)))}]
        raw = {"type": "stylize", "content": self.upload(content), "styles": styles, **spec}
        job_id = self.bench.submit(**raw)
        self.bench.runner().handle(job_id, Lane.INTERACTIVE)
        return self.bench.job(job_id)

    def image(self, job: Job) -> Image.Image:
        assert job.status is Status.SUCCEEDED, job.error
        return Image.open(io.BytesIO(self.bench.objects.get(job.outputs[0].key)))

    def pixels(self, job: Job, mode: str = "RGB") -> np.ndarray:
        return np.asarray(self.image(job).convert(mode))


@pytest.fixture
def studio(bench: Bench, files: FileStore) -> Studio:
    bench.model = Mixer()  # type: ignore[assignment]
    return Studio(bench, files, bench.model)  # type: ignore[arg-type]


def plain(color: tuple[int, ...], size: tuple[int, int] = (32, 24)) -> bytes:
    return pictures.save(Image.new("RGBA" if len(color) == 4 else "RGB", size, color), "png")


def test_the_result_has_the_contents_size_and_the_styles_color(studio: Studio) -> None:
    result = studio.pixels(studio.stylize(pictures.photo(90, 60)))
    assert result.shape == (60, 90, 3)
    assert (result == (200, 40, 0)).all()


def test_a_painting_without_memory_is_painted_in_small_strips_and_says_so(studio: Studio) -> None:
    studio.model.fitting = ("small strips",)
    job = studio.stylize(pictures.photo(90, 60))
    assert (studio.pixels(job) == (200, 40, 0)).all()
    assert (job.warnings, job.attempt) == (("smaller_form",), 1)
    studio.model.large_pixels = 100
    large = studio.stylize(pictures.photo(91, 60))
    assert large.warnings == ("smaller_form",)
    assert studio.model.forms == ["whole", "small strips", "strips", "small strips"]


def test_a_painting_with_no_memory_at_all_ends_its_attempt(studio: Studio) -> None:
    studio.model.fitting = ()
    job = studio.stylize(pictures.photo(90, 60))
    assert (job.status, job.history[0].code, job.warnings) == (Status.FAILED, "out_of_memory", ())
    assert studio.model.forms[:2] == ["whole", "small strips"]


def test_styles_mix_by_weight(studio: Studio) -> None:
    styles = [
        {"image": studio.upload(plain((200, 0, 0))), "weight": 3},
        {"image": studio.upload(plain((0, 100, 0))), "weight": 1},
    ]
    result = studio.pixels(studio.stylize(pictures.png(), styles=styles))
    assert (result == (150, 25, 0)).all()


def test_a_style_is_looked_at_once(studio: Studio) -> None:
    runner = studio.bench.runner()
    studio.bench.runner = lambda: runner  # type: ignore[method-assign]
    for side in (40, 50, 60):
        studio.stylize(pictures.png(side, side))
    assert studio.model.looked_at == 1


def test_half_strength_is_halfway(studio: Studio) -> None:
    result = studio.pixels(studio.stylize(plain((100, 100, 100)), strength=0.5))
    assert (result == (150, 70, 50)).all()


def test_no_strength_gives_back_the_content_without_the_network(studio: Studio) -> None:
    content = pictures.png(40, 30)
    result = studio.pixels(studio.stylize(content, strength=0))
    assert (result == np.asarray(Image.open(io.BytesIO(content)))).all()
    assert studio.model.sizes == []


def test_preserved_color_keeps_the_contents_hue(studio: Studio) -> None:
    style = [{"image": studio.upload(plain((90, 90, 90)))}]
    result = studio.pixels(studio.stylize(plain((160, 120, 120)), styles=style, preserve_color=True))
    red, green, blue = (int(value) for value in result[0, 0])
    assert red - green == pytest.approx(40, abs=1)
    assert green == blue
    assert red < 160


def test_a_mask_of_another_size_limits_where(studio: Studio) -> None:
    mask = np.zeros((8, 8), np.uint8)
    mask[:, 4:] = 255
    mask_file = studio.upload(pictures.save(Image.fromarray(mask), "png"))
    result = studio.pixels(studio.stylize(plain((10, 20, 30), (64, 48)), mask=mask_file))
    assert (result[:, :24] == (10, 20, 30)).all()
    assert (result[:, 40:] == (200, 40, 0)).all()


def test_alpha_is_kept(studio: Studio) -> None:
    result = studio.pixels(studio.stylize(plain((10, 20, 30, 77), (40, 40))), "RGBA")
    assert (result == (200, 40, 0, 77)).all()


def test_strokes_set_the_networks_size_and_not_the_results(studio: Studio) -> None:
    job = studio.stylize(pictures.photo(400, 200), stroke=100)
    assert studio.image(job).size == (400, 200)
    assert studio.model.sizes == [(50, 100)]


def test_a_large_photo_is_painted_at_the_default_side_unless_it_says_native(studio: Studio) -> None:
    job = studio.stylize(pictures.photo(1300, 900))
    native = studio.stylize(pictures.photo(1300, 900), stroke="native")
    assert (studio.image(job).size, studio.image(native).size) == ((1300, 900), (1300, 900))
    assert studio.model.sizes == [(709, 1024), (900, 1300)]


def test_a_film_a_mask_and_a_smaller_result_follow_the_same_rule(studio: Studio) -> None:
    frames = [Image.new("RGB", (1300, 900), (number, 0, 0)) for number in range(2)]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:])
    mask = studio.upload(plain((255, 255, 255), (8, 8)))
    film = studio.stylize(buffer.getvalue(), output={"format": "gif"}, mask=mask)
    small = studio.stylize(pictures.photo(1300, 900), size={"max_side": 1200})
    assert (studio.image(film).size, studio.image(small).size) == ((1300, 900), (1200, 831))
    assert studio.model.sizes == [(709, 1024)] * 3


def test_strokes_on_a_narrow_picture_stay_within_the_networks_reach(studio: Studio) -> None:
    studio.stylize(pictures.photo(800, 40), stroke=64)
    assert min(studio.model.sizes[0]) >= studio.model.card.min_side


def test_the_longest_side_shrinks_the_result(studio: Studio) -> None:
    assert studio.image(studio.stylize(pictures.photo(400, 200), size={"max_side": 100})).size == (100, 50)


@pytest.mark.parametrize("format", ["gif", "webp"])
def test_a_film_gives_a_film(studio: Studio, format: str) -> None:
    content = pictures.animated("gif", frames=4)
    job = studio.stylize(content, output={"format": format}, strength=0.5)
    with studio.image(job) as result, Image.open(io.BytesIO(content)) as before:
        assert result.n_frames == before.n_frames
        assert result.size == before.size


def test_a_still_format_takes_the_first_frame(studio: Studio) -> None:
    job = studio.stylize(pictures.animated("gif", frames=4))
    assert getattr(studio.image(job), "n_frames", 1) == 1


def test_what_is_too_large_for_the_network_is_refused_by_name(studio: Studio) -> None:
    studio.model.card = studio.model.card.model_copy(update={"max_side": 100})
    job = studio.stylize(pictures.photo(200, 100))
    assert job.error is not None
    assert (job.error["code"], job.error["errors"][0]["pointer"]) == ("image_too_large", "/content")
    assert studio.stylize(pictures.photo(200, 100), stroke=100).status is Status.SUCCEEDED


def test_a_large_picture_is_painted_in_steps_of_bytes(studio: Studio) -> None:
    studio.model.large_pixels = 10_000
    result = studio.pixels(studio.stylize(pictures.photo(200, 100)))
    assert (result == (200, 40, 0)).all()
    assert (studio.model.steps, studio.model.sizes) == (["uint8"] * 3, [])


def test_what_is_too_small_for_the_network_is_refused_by_name(studio: Studio) -> None:
    job = studio.stylize(pictures.png(64, 10))
    assert job.error is not None
    assert (job.error["code"], job.error["errors"][0]["pointer"]) == ("image_too_small", "/content")


def drawn(hidden: tuple[int, int, int], side: int = 400) -> bytes:
    """A red disc with a soft edge on nothing at all; what has no alpha has the hidden color."""
    distance = np.hypot(*(np.mgrid[:side, :side] - side / 2 + 0.5))
    alpha = np.clip(side * 0.4 - distance, 0, 1) * 255
    rgb = np.where(alpha[..., None].astype(np.uint8) > 0, (255, 0, 0), hidden)
    return pictures.save(Image.fromarray(np.dstack([rgb, alpha]).astype(np.uint8)), "png")


LOOK_ALIKE = [drawn(color) for color in ((0, 255, 0), (255, 255, 255), (255, 0, 0))]


def in_average(content: np.ndarray, style: PreparedStyle) -> np.ndarray:
    """Paint a picture that depends on every pixel of the content, and on the style."""
    color = (content.mean(axis=(0, 1)) + style.vector) / 2
    return (np.broadcast_to(color, content.shape) * content[::-1]).astype(np.float32)


@pytest.mark.parametrize("strength", [0, 0.4, 1])
@pytest.mark.parametrize(
    "more", [{}, {"size": {"max_side": 60}}, {"stroke": 64}, {"output": {"format": "webp"}}]
)
def test_colors_of_the_content_that_nobody_can_see_change_nothing(
    studio: Studio, strength: float, more: dict[str, Any]
) -> None:
    studio.model.stylize = in_average  # type: ignore[method-assign]
    jobs = [studio.stylize(content, strength=strength, **more) for content in LOOK_ALIKE]
    assert len({job.outputs[0].sha256 for job in jobs}) == 1


def test_colors_of_a_style_that_nobody_can_see_change_nothing(studio: Studio) -> None:
    photo = pictures.photo(40, 30)
    styles = [[{"image": studio.upload(style)}] for style in LOOK_ALIKE]
    bare = [studio.stylize(photo, styles=each, output={"recipe": False}) for each in styles]
    assert len({job.outputs[0].sha256 for job in bare}) == 1
    # A recipe names the file of the style by its bytes, so files differ by that, and by that alone.
    told = [studio.stylize(photo, styles=each) for each in styles]
    assert len({studio.pixels(job).tobytes() for job in told}) == 1
    assert len({job.outputs[0].sha256 for job in told}) == len(LOOK_ALIKE)


def test_a_style_is_looked_at_as_it_looks_on_white(studio: Studio) -> None:
    style = studio.upload(plain((0, 100, 0, 51)))
    result = studio.pixels(studio.stylize(pictures.png(), styles=[{"image": style}]))
    assert np.abs(result.astype(int) - (204, 224, 204)).max() <= 1


def test_colors_of_a_mask_that_nobody_can_see_change_nothing(studio: Studio) -> None:
    photo = pictures.photo(40, 30)
    jobs = [studio.stylize(photo, mask=studio.upload(mask)) for mask in LOOK_ALIKE]
    assert len({job.outputs[0].sha256 for job in jobs}) == 1


def test_a_film_does_not_show_what_is_hidden_in_it(studio: Studio) -> None:
    studio.model.stylize = in_average  # type: ignore[method-assign]
    films = []
    for hidden in ((0, 255, 0), (255, 255, 255)):
        first = Image.open(io.BytesIO(drawn(hidden, 60)))
        films.append(pictures.save(first, "png", save_all=True, append_images=[first.rotate(45)]))
    jobs = [studio.stylize(film, output={"format": "gif"}, steadiness=0.5) for film in films]
    assert len({job.outputs[0].sha256 for job in jobs}) == 1


@pytest.mark.parametrize("max_side", [60, 133])
def test_hidden_colors_make_no_fringe(studio: Studio, max_side: int) -> None:
    job = studio.stylize(drawn((0, 255, 0)), strength=0, size={"max_side": max_side})
    result = studio.pixels(job, "RGBA").astype(int)
    seen = result[..., 3] > 0
    assert 0 < (result[..., 3] == 255).sum() < seen.sum()
    assert np.abs(result[seen][:, :3] - (255, 0, 0)).max() <= 8


def test_a_large_style_is_reduced_before_it_is_floats(studio: Studio) -> None:
    sizes = []
    look = studio.model.prepare_style
    studio.model.prepare_style = lambda image: sizes.append(image.shape) or look(image)  # type: ignore
    for format in ("jpeg", "png", "webp"):
        studio.stylize(pictures.png(), styles=[{"image": studio.upload(pictures.photo(3000, 1700, format))}])
    assert all(3 * 256 <= side < 6 * 256 for size in sizes for side in size[:2])
    assert len(sizes) == 3


def test_a_job_says_that_the_file_of_one_of_its_pictures_ends_too_early(studio: Studio) -> None:
    whole, cut = pictures.photo(64, 48), pictures.photo(64, 48)[:-2]
    style = studio.upload(pictures.photo(48, 48)[:-20])
    assert studio.stylize(whole).warnings == ()
    assert studio.stylize(cut).warnings == ("truncated",)
    for _ in range(2):  # the second time the style is known, and not decoded
        assert studio.stylize(whole, styles=[{"image": style}]).warnings == ("truncated",)
    mask = studio.upload(pictures.grey()[:-12])
    assert studio.stylize(whole, mask=mask).warnings == ("truncated",)


def test_a_fast_job_is_painted_by_the_fast_form_and_says_so(studio: Studio) -> None:
    job = studio.stylize(pictures.photo(90, 60), precision="fast")
    assert (studio.pixels(job) == 0).all()
    assert job.precision == "fast"
    assert '"precision":"fast"' in studio.image(job).info["atelier:recipe"]


def test_a_worker_without_a_fast_form_paints_exactly_and_says_so(studio: Studio) -> None:
    studio.model.has_fast = False
    job, plain_job = (studio.stylize(pictures.photo(90, 60), **more) for more in ({"precision": "fast"}, {}))
    assert (studio.pixels(job) == (200, 40, 0)).all()
    assert (job.precision, job.warnings) == ("exact", ())
    assert job.outputs[0].sha256 == plain_job.outputs[0].sha256  # its recipe says what was done, too


def test_strips_and_jobs_that_paint_nothing_are_exact(studio: Studio) -> None:
    untouched = studio.stylize(pictures.photo(90, 60), precision="fast", strength=0)
    studio.model.large_pixels = 100
    strips = studio.stylize(pictures.photo(90, 60), precision="fast")
    assert (untouched.precision, strips.precision) == ("exact", "exact")
