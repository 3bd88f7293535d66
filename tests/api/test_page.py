"""The web page and its files, as the API sends them; tests/web has it in a browser."""

import gzip
import importlib
import json
import pkgutil
import re
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

import shared
from api.routes.page.page import MEDIA_TYPES, web_files
from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.errors import AtelierError
from shared.jobs import failures
from shared.redis.client import connect
from tests.support.waiting import eventually

WEB = Path("api/web")
LANGUAGES = ("en", "ko")
PANELS = ("paint", "digits", "work", "gallery", "operator")
FIRST_VIEWS = {  # the modules that it begins with
    "sign-in": ("main.js", "parts/sign-in.js"),
    **{panel: ("main.js", "parts/shell.js", f"panels/{panel}/panel.js") for panel in PANELS},
}
# Bytes, as they are and packed.
MOST_AT_FIRST = (125_000, 50_000)
MOST_OPENED = (200_000, 80_000)  # with all panels
MOST_IN_ALL = (255_000, 102_000)  # with all that a click may load besides


def files_of(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(web/[^"]+)"', page)


def test_the_page_loads_its_own_files_by_relative_addresses(client: FlaskClient) -> None:
    response = client.get("/")
    assert (response.status_code, response.mimetype) == (200, "text/html")
    assert not re.search(r'(?:href|src)="(?:/|https?:)', response.text)
    assert len(files_of(response.text)) > 10
    for address in files_of(response.text):
        file = client.get(f"/{address}")
        assert (file.status_code, file.mimetype) == (200, MEDIA_TYPES[address.rpartition(".")[2]])
        assert "immutable" in file.headers["Cache-Control"]


def test_nothing_in_the_page_is_inline_and_its_policy_allows_nothing_inline(client: FlaskClient) -> None:
    response = client.get("/")
    policy = dict(part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["require-trusted-types-for"] == "'script'"
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*src=)", response.text)


def test_a_browser_that_has_the_page_is_told_so(client: FlaskClient) -> None:
    page = client.get("/")
    again = client.get("/", headers={"If-None-Match": page.headers["ETag"]})
    assert (page.headers["Cache-Control"], again.status_code) == ("no-cache", 304)


def test_a_page_from_before_an_upgrade_gets_its_modules_and_keeps_none(client: FlaskClient) -> None:
    response = client.get("/web/0123456789ab/main.js")
    assert (response.status_code, response.headers["Cache-Control"]) == (200, "no-cache")


@pytest.mark.parametrize(
    "path", ["index.html", "README.md", "..%2fapp.py", "../app.py", "core", "nothing.js"]
)
def test_other_files_are_not_sent(client: FlaskClient, path: str) -> None:
    assert client.get(f"/web/{web_files().version}/{path}").status_code == 404


def weight(client: FlaskClient, paths: set[str]) -> tuple[int, int]:
    """Return the bytes of the document and of files of the page: as they are, and packed."""
    version = web_files().version
    addresses = ["/", *(f"/web/{version}/{path}" for path in paths - {"index.html"})]
    return (bytes_of(client, addresses, "identity"), bytes_of(client, addresses, "gzip"))


def bytes_of(client: FlaskClient, addresses: list[str], encoding: str) -> int:
    return sum(len(client.get(each, headers={"Accept-Encoding": encoding}).data) for each in addresses)


def loaded(view: str, language: str) -> set[str]:
    """Return the files that a view needs; tests/web has a browser load no others."""
    looks = {f"panels/{view}/style.css"} & web_files().content.keys()
    around = {"style.css", "icon.svg", f"words/{language}.json"}
    return {*web_files().modules(*FIRST_VIEWS[view]), *looks, *around}


def is_below(weights: tuple[int, int], most: tuple[int, int]) -> bool:
    return all(each < limit for each, limit in zip(weights, most, strict=True))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("view", FIRST_VIEWS)
def test_what_is_seen_first_is_light(client: FlaskClient, view: str, language: str) -> None:
    weights = weight(client, loaded(view, language))
    assert is_below(weights, MOST_AT_FIRST), weights


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_light_with_all_panels_opened(client: FlaskClient, language: str) -> None:
    weights = weight(client, {path for panel in PANELS for path in loaded(panel, language)})
    assert is_below(weights, MOST_OPENED), weights


def is_of_another_language(path: str, language: str) -> bool:
    return path.startswith("words/") and not path.startswith(f"words/{language}")


@pytest.mark.parametrize("language", LANGUAGES)
def test_all_files_of_the_page_together_are_light(client: FlaskClient, language: str) -> None:
    others = {path for path in web_files().content if is_of_another_language(path, language)}
    weights = weight(client, set(web_files().content) - others)
    assert is_below(weights, MOST_IN_ALL), weights


def test_every_module_comes_with_the_page_or_is_asked_for_by_name() -> None:
    files = web_files()
    text = "".join(data.decode() for path, data in files.content.items() if path.endswith(".js"))
    late = {f"{name}.js" for name in re.findall(r'import\("\./(?:parts/)?([\w-]+)\.js"\)', text)}
    reached = {path for view in FIRST_VIEWS.values() for path in files.modules(*view)}
    rest = {path for path in files.content if path.endswith(".js")} - reached
    digits = {"panels/digits/between.js", "panels/digits/walk.js"}  # by their tab's name
    with_imports = {path for each in rest if each.rpartition("/")[2] in late for path in files.modules(each)}
    assert rest <= with_imports | digits


def test_the_document_has_loaded_what_is_seen_first_and_no_panel(
    client: FlaskClient, services: Services
) -> None:
    page = files_of(client.get("/").text)
    assert {path.partition("/parts/")[2] for path in page} >= {"shell.js", "notices.js"}
    assert not [path for path in page if "/panels/" in path or path.endswith("sign-in.js")]
    KeyStore(services.store.scripts).create("anna", owner="anna", scopes=frozenset({Scope.READ}))
    eventually(lambda: any(path.endswith("sign-in.js") for path in files_of(client.get("/").text)))


def test_a_file_is_packed_for_those_who_unpack_it(client: FlaskClient) -> None:
    address = f"/web/{web_files().version}/main.js"
    packed = client.get(address, headers={"Accept-Encoding": "gzip, br"})
    plain = client.get(address, headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data == web_files().content["main.js"]
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["ETag"] != plain.headers["ETag"]


def test_the_page_says_whether_a_key_is_needed(client: FlaskClient, services: Services) -> None:
    assert "data-keys" not in client.get("/").text
    KeyStore(services.store.scripts).create("anna", owner="anna", scopes=frozenset({Scope.READ}))
    eventually(lambda: 'data-keys="needed"' in client.get("/").text)  # keys are read twice a second


def test_the_page_comes_while_the_job_store_is_away(app: Flask, services: Services) -> None:
    with connect(services.settings.redis_url) as redis:
        redis.config_set("maxclients", 1)
        try:
            services.store.client.connection_pool.disconnect()
            assert app.test_client().get("/").status_code == 200
        finally:
            redis.config_set("maxclients", 10_000)


def words(language: str) -> dict[str, object]:
    """Return the words that the page has at first, and those that come after a click."""
    first, later = (
        json.loads((WEB / "words" / f"{name}.json").read_text()) for name in (language, f"{language}-late")
    )
    assert not first.keys() & later.keys()
    return {**first, **later}


def forms(text: object) -> list[str]:
    return list(text.values()) if isinstance(text, dict) else [str(text)]


BY_CODE = ("problem.", "hint.")  # of errors: what English leaves out, the service tells in English itself
NOT_MET = {  # codes that nobody meets on the page: it sends no such request, or tells them otherwise
    "bad_request", "malformed_json", "malformed_form", "invalid_header", "unsupported_media_type",
    "method_not_allowed", "precondition_failed", "expectation_failed", "address_too_long",
    "headers_too_large", "transfer_coding_unknown", "http_version_unsupported", "range_not_satisfiable",
    "picture_not_fetched",
    "too_many_fetches", "style_exists", "delivery_not_found", "webhook_secret_configured", "key_not_found",
    "not_ready", "lease_lost", "unsafe_folder", "rollout_not_found",
    "place_unavailable", "place_unknown", "source_too_large", "batch_canceled", "name_refused", "name_taken",
}  # fmt: skip


def every_code(of: type[AtelierError] = AtelierError) -> set[str]:
    """Return the codes of all errors of the API and its jobs; those of backups are told by commands."""
    for module in pkgutil.walk_packages(shared.__path__, "shared."):
        importlib.import_module(module.name)
    is_own = of.__module__.startswith(("api.", "shared.")) and not of.__module__.startswith("shared.backup.")
    return {of.code if is_own else "internal_error"}.union(*map(every_code, of.__subclasses__()))


def test_every_error_that_a_page_user_can_meet_is_told_in_korean() -> None:
    told = {key.removeprefix("problem.") for key in words("ko") if key.startswith("problem.")}
    own = {"network", "unknown"}  # the page's own, where no response came, or one without a code
    assert told - own == every_code() - NOT_MET
    assert every_code() >= NOT_MET


def test_what_to_do_about_failures_is_told_in_korean() -> None:
    told = {key.removeprefix("hint.") for key in words("ko") if key.startswith("hint.")}
    assert told == set(failures._ADVICE)


def test_both_languages_have_the_same_words_with_the_same_values() -> None:
    english, korean = words("en"), words("ko")
    assert english.keys() <= korean.keys()
    assert [key for key in korean.keys() - english.keys() if not key.startswith(BY_CODE)] == []
    for key in english:
        values = [
            {name for form in forms(text) for name in re.findall(r"\{(\w+)\}", form)}
            for text in (english[key], korean[key])
        ]
        assert values[0] == values[1], key


def test_every_text_that_the_page_asks_for_is_there_and_every_text_is_asked_for() -> None:
    source = "\n".join(path.read_text() for path in sorted(WEB.rglob("*.js")))
    whole = set(re.findall(r'"([a-z]+\.[a-z0-9._-]+)"', source))
    starts = set(re.findall(r"\bt\(`([^`$]+)\$\{", source))
    asked = set(re.findall(r'\bt\("([^"]+)"', source))
    assert asked <= words("en").keys()
    assert all(any(key.startswith(start) for key in words("ko")) for start in starts)
    unused = {key for key in words("en") if key not in whole and not key.startswith(tuple(starts))}
    assert not unused
