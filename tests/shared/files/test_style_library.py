from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.cards.card import load_catalog
from shared.errors import FileInUse, FileNotFound, StyleExists, StyleNotFound
from shared.files.file_store import FileStore
from shared.files.style_library import StyleLibrary
from shared.identifiers import ANONYMOUS, file_id, new_job_id
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.redis.client import Client
from shared.specs.spec import JOB_SPEC, StylizeSpec, resolve
from tests.support.images import pictures


@pytest.fixture
def styles(redis_client: Client) -> StyleLibrary:
    return StyleLibrary(redis_client)


@pytest.fixture
def file(files: FileStore) -> str:
    return stored(files, 32)


def stored(files: FileStore, width: int, owner: str = ANONYMOUS) -> str:
    data = pictures.png(width, 24)
    return files.add(owner, data, probe(data, ImageLimits()))[0].id


def stylize(*styles: dict[str, object], content: str = file_id("0" * 64)) -> StylizeSpec:
    raw = {"type": "stylize", "content": content, "styles": list(styles)}
    spec = resolve(JOB_SPEC.validate_python(raw), load_catalog())
    assert isinstance(spec, StylizeSpec)
    return spec


def test_a_name_means_one_picture(styles: StyleLibrary, files: FileStore, file: str) -> None:
    style, is_new = styles.add(ANONYMOUS, "waves", file)
    assert (style.name, style.file, is_new) == ("waves", file, True)
    assert styles.add(ANONYMOUS, "waves", file) == (style, False)
    with pytest.raises(StyleExists, match="waves"):
        styles.add(ANONYMOUS, "waves", stored(files, 40))
    assert styles.get(ANONYMOUS, "waves") == style


def test_a_name_asked_for_by_many_at_once_is_given_once(
    styles: StyleLibrary, files: FileStore, redis_client: Client
) -> None:
    ids = [stored(files, 20 + side) for side in range(8)]

    def add(file: str) -> bool:
        try:
            return styles.add(ANONYMOUS, "waves", file)[1]
        except StyleExists:
            return False

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(add, ids)) == 1
    users = [redis_client.scard(f"atelier:file-users:{ANONYMOUS}:{file}") for file in ids]
    assert sorted(users) == [0] * 7 + [1]


def test_a_styles_picture_stays_as_long_as_the_style(
    styles: StyleLibrary, files: FileStore, file: str
) -> None:
    styles.add(ANONYMOUS, "waves", file)
    styles.add(ANONYMOUS, "sea", file)
    styles.delete(ANONYMOUS, "waves")
    with pytest.raises(FileInUse):
        files.delete(ANONYMOUS, file)
    styles.delete(ANONYMOUS, "sea")
    files.delete(ANONYMOUS, file)


def test_a_job_that_ends_leaves_a_styles_picture_alone(
    styles: StyleLibrary, files: FileStore, store: JobStore, file: str
) -> None:
    styles.add(ANONYMOUS, "waves", file)
    spec = styles.resolve(ANONYMOUS, stylize({"name": "waves"}, content=file))
    job = store.submit(Submission(new_job_id(), ANONYMOUS, spec, "f")).id
    store.cancel(job, ANONYMOUS)
    with pytest.raises(FileInUse):
        files.delete(ANONYMOUS, file)


def test_a_picture_that_is_not_there_cannot_be_kept(styles: StyleLibrary, files: FileStore) -> None:
    with pytest.raises(FileNotFound):
        styles.add(ANONYMOUS, "waves", file_id("0" * 64))
    with pytest.raises(FileNotFound):
        styles.add(ANONYMOUS, "waves", stored(files, 32, owner="alice"))
    assert styles.find(ANONYMOUS, "waves") is None


def test_owners_do_not_see_each_others_styles(styles: StyleLibrary, file: str) -> None:
    styles.add(ANONYMOUS, "waves", file)
    assert styles.page("alice").items == ()
    with pytest.raises(StyleNotFound):
        styles.get("alice", "waves")
    with pytest.raises(StyleNotFound):
        styles.delete("alice", "waves")


def test_styles_are_listed_newest_first(styles: StyleLibrary, file: str) -> None:
    for name in ("a", "b", "c"):
        styles.add(ANONYMOUS, name, file)
    first = styles.page(ANONYMOUS, limit=2)
    second = styles.page(ANONYMOUS, limit=2, cursor=first.next_cursor)
    assert [style.name for style in (*first.items, *second.items)] == ["c", "b", "a"]
    assert second.next_cursor is None


def test_names_become_pictures_and_stay_in_the_specification(styles: StyleLibrary, file: str) -> None:
    styles.add(ANONYMOUS, "waves", file)
    other = file_id("1" * 64)
    spec = styles.resolve(ANONYMOUS, stylize({"image": other}, {"name": "waves", "weight": 2}))
    assert [(style.name, style.image, style.weight) for style in spec.styles] == [
        (None, other, 1.0),
        ("waves", file, 2.0),
    ]


def test_a_name_with_its_picture_is_not_looked_up_again(styles: StyleLibrary) -> None:
    spec = stylize({"name": "gone", "image": file_id("1" * 64)})
    assert styles.resolve(ANONYMOUS, spec) == spec


def test_every_unknown_name_is_an_error_of_its_field(styles: StyleLibrary, file: str) -> None:
    styles.add(ANONYMOUS, "waves", file)
    with pytest.raises(StyleNotFound) as caught:
        styles.resolve(ANONYMOUS, stylize({"name": "x"}, {"name": "waves"}, {"name": "y"}))
    assert [error.pointer for error in caught.value.errors] == ["/styles/0/name", "/styles/2/name"]
