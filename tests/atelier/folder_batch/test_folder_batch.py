"""The parts of `atelier batch`, one by one."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from atelier.client.request_parts import Style
from atelier.folder_batch.output_names import BadPattern, Names, check_pattern, default_pattern, labels_of
from atelier.folder_batch.photo_check import WantedPicture
from atelier.folder_batch.photo_source import Watched
from atelier.folder_batch.scan import Photo, Unread, find, why_not_an_image
from atelier.folder_batch.state_file import FILE, FolderState, StateFile
from atelier.folder_batch.submitter import custom_id_of
from atelier.folder_batch.variations import PictureOptions, StyleMix, Variation, digest_of
from tests.support.images import pictures
from tests.support.images.camera_raws import raws

ONE = PictureOptions((StyleMix("a", (Style(number=1),)),))
TWO = PictureOptions((*ONE.styles, StyleMix("b", (Style(number=2),))), (0.5, 1.0))


def photo(name: str, stamp: tuple[int, int] = (1, 1)) -> Photo:
    return Photo(Path(name), name, stamp)


def state_of(folder: Path) -> FolderState:
    state_file = StateFile(folder)
    state_file.close()
    return state_file.state


def test_a_name_belongs_to_one_photo_in_later_runs_as_well() -> None:
    names = Names(default_pattern(ONE), ONE, {"x/p.png": "x/p.bmp"})
    (variation,) = ONE.variations
    assert names.target("x/p.tif", variation) == "x/p-tif.png"
    assert names.target("x/p.bmp", variation) == "x/p.png"
    assert names.target("x/p.tif", variation) == "x/p-tif.png"
    assert names.target("p.tif", variation) == "p.png"


@pytest.mark.parametrize(
    ("photo", "target"),
    [
        ("a.jpg", "a.jpg"),
        ("a.JPEG", "a.jpg"),
        ("x/a.jfif", "x/a.jpg"),
        ("a.webp", "a.webp"),
        ("a.gif", "a.gif"),
        ("a.png", "a.png"),
        ("a.tiff", "a.png"),
        ("a.bmp", "a.png"),
        ("a", "a.png"),
    ],
)
def test_a_picture_has_the_photos_own_format_or_one_that_loses_nothing(photo: str, target: str) -> None:
    (variation,) = ONE.variations
    assert Names(default_pattern(ONE), ONE, {}).target(photo, variation) == target
    forced = replace(ONE, format="webp", quality=70)
    assert Names(default_pattern(ONE), forced, {}).target(photo, variation).endswith("a.webp")
    assert forced.body(variation, "file_x", photo)["output"] == {"format": "webp", "quality": 70}


def test_a_file_that_no_run_made_is_never_replaced() -> None:
    names = Names(default_pattern(ONE), ONE, {"b.jpg": "b.jpg"}, is_foreign={"a.jpg", "b.jpg"}.__contains__)
    (variation,) = ONE.variations
    assert [names.target(name, variation) for name in ("a.jpg", "b.jpg")] == ["a-jpg.jpg", "b.jpg"]


def test_names_for_many_photos_take_no_time() -> None:
    names, began = Names(default_pattern(TWO), TWO, {}), time.process_time()
    made = {names.target(f"{n}.jpg", variation) for n in range(1000) for variation in TWO.variations}
    assert len(made) == 4000
    assert time.process_time() - began < 2


def test_a_pattern_tells_what_differs() -> None:
    assert (default_pattern(ONE), default_pattern(TWO)) == (
        "{folder}/{stem}",
        "{folder}/{stem}-{style}-{strength}",
    )
    assert labels_of(["a b", "a b", "../x", "..."]) == ["a_b", "a_b-2", "x", "style"]
    with pytest.raises(BadPattern, match="strength"):
        check_pattern("{stem}-{style}", TWO)


def test_a_photo_named_like_a_field_is_no_pattern() -> None:
    (variation,) = ONE.variations
    assert Names("{folder}/{stem}", ONE, {}).target("{style}/{0}.jpg", variation) == "{style}/{0}.jpg"


@pytest.mark.parametrize("target", ["a" * 100 + ".png", "new\nline.png", "\udcff.png"])
def test_every_picture_has_a_custom_id_that_the_service_takes(target: str) -> None:
    name = custom_id_of(WantedPicture("s", target, {}, "d"))
    assert len(name) <= 64
    assert name.isprintable()
    name.encode()
    assert name != custom_id_of(WantedPicture("s", f"x{target}", {}, "d"))
    assert custom_id_of(WantedPicture("s", "deep/one.png", {}, "d")) == "deep/one"


def test_a_digest_changes_with_what_the_picture_depends_on() -> None:
    bodies = [TWO.body(variation, f"file_{n}", "a.jpg") for variation in TWO.variations for n in range(2)]
    assert len({digest_of(body) for body in bodies}) == 8
    assert digest_of(bodies[0]) == digest_of(dict(reversed(bodies[0].items())))


def test_pictures_made_before_strokes_had_a_default_are_not_taken_for_the_same() -> None:
    body = ONE.body(ONE.variations[0], "file_x", "a.jpg")
    assert digest_of(body) != digest_of({name: body[name] for name in body if name != "stroke"})


def test_a_model_without_styles_transforms() -> None:
    body = PictureOptions((), model="colorizer", max_side=64).body(Variation(None, None), "file_x", "a.jpg")
    assert (body["type"], body["size"], "styles" in body) == ("transform", {"max_side": 64}, False)


def test_several_folders_keep_their_names_and_links_never_lead_in_circles(tmp_path: Path) -> None:
    for name in ("p/one.jpg", "p/.git/x.jpg", "q/one.jpg", "out/made.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "p" / "again").symlink_to(tmp_path / "p")
    (tmp_path / "p" / "q").symlink_to(tmp_path / "q")
    (tmp_path / "p" / "out").symlink_to(tmp_path / "out")
    (tmp_path / "p" / "nothing.jpg").symlink_to(tmp_path / "nowhere")
    found = list(find([tmp_path / "p", tmp_path / "q"], outside=tmp_path / "out"))
    assert [entry.name for entry in found] == ["p/nothing.jpg", "p/one.jpg", "p/q/one.jpg", "q/one.jpg"]
    assert isinstance(found[0], Unread)


def test_a_beginning_tells_what_a_file_is() -> None:
    heads = (pictures.photo()[:4096], pictures.png()[:12], pictures.webp()[:4096], pictures.gif()[:20])
    assert [why_not_an_image(head) for head in heads] == [None] * 4
    assert "an empty file" in (why_not_an_image(b"") or "")
    assert why_not_an_image(b"\0\0\0\x18ftypheic") is None
    assert "JPEG XL" in (why_not_an_image(b"\xff\x0a" + bytes(40)) or "")
    assert "camera raw file (NEF)" in (why_not_an_image(raws()["NEF"][:4096]) or "")


def test_a_watched_file_comes_when_it_is_whole_and_again_when_it_changed() -> None:
    clock, files = [100.0], [photo("a")]
    source = Watched(lambda: files, now=lambda: clock[0])

    def later() -> list[str]:
        clock[0] += 1
        return [entry.name for entry in source.take()]

    assert (source.take(), later(), later()) == ([], ["a"], [])
    files[0] = photo("a", (2, 2))
    assert later() == []
    files[0] = photo("a", (3, 3))
    assert (later(), later(), later()) == ([], ["a"], [])
    files[0] = Unread("a", "gone")  # type: ignore[call-overload]
    assert (later(), later()) == (["a"], [])
    files[0] = photo("a", (3, 3))
    assert (later(), later()) == ([], ["a"])


def test_a_journal_remembers_and_forgets_what_was_cut_off(tmp_path: Path) -> None:
    state_file = StateFile(tmp_path)
    state_file.note("run", options={"style": "a"})
    state_file.note("batch", id="b1")
    state_file.note("sent", batch="b1", items={"x": ["x.png", "d"]})
    state_file.note("spoiled", target="y.png", source="y", digest="e", reason="bad", batch="b1")
    state_file.note("saved", target="x.png", source="x", digest="d", sha256="s")
    state_file.note("ended", batch="b1")
    state_file.close()
    with (tmp_path / FILE).open("ab") as file:
        file.write(b'{"kind":"saved","tar')
    again = StateFile(tmp_path)
    again.note("saved", target="z.png", source="z", digest="d", sha256="s")
    again.close()
    state = state_of(tmp_path)
    assert (state.run, state.batches) == ({"style": "a"}, {"b1": {"x": ("x.png", "d")}})
    assert (set(state.saved), set(state.failed), state.ended) == ({"x.png", "z.png"}, {"y.png"}, {"b1"})


def test_a_journal_is_written_anew_when_most_of_it_is_idle(tmp_path: Path) -> None:
    state_file = StateFile(tmp_path)
    for number in range(3000):
        state_file.note("saved", target="x.png", source="x", digest=f"{number}", sha256="s")
    state_file.close()
    assert state_of(tmp_path).saved["x.png"].digest == "2999"
    assert len((tmp_path / FILE).read_bytes().splitlines()) < 5
