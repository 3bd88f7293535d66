"""The command, in process and as one."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier import Client, GenerateRequest
from atelier.cli import main
from atelier.client.job import Job
from atelier.client.jobs import JobsResource
from atelier.commands.options.service import default_url
from atelier.lazy_group import LazyGroup
from atelier.local.state_folder import UpRecord, write_record
from shared.network_settings import ApiSettings
from shared.settings import Settings
from shared.workers import ReloadRequest
from tests.support.http.scripted_server import Reply, ScriptedServer, scripted_server
from tests.support.images import pictures
from tests.support.jobs.fake_worker import PICTURE, FakeWorker
from tests.support.models.transform_card import write_card
from tests.support.waiting import eventually

Run = Callable[..., Result]


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command against the test's API, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["--url", url, *map(str, arguments)])


@pytest.mark.usefixtures("busy_worker")
def test_generate_writes_the_file_that_was_named(run: Run, tmp_path: Path) -> None:
    answer = run("generate", "--seed", 7, "-o", "seven.png")
    assert (answer.exit_code, answer.stdout) == (0, "seven.png\n")
    assert (tmp_path / "seven.png").read_bytes() == PICTURE


@pytest.mark.usefixtures("busy_worker")
def test_generate_into_a_folder_names_files_by_seed(run: Run, tmp_path: Path) -> None:
    answer = run("generate", "--seed", 7, "-o", "new/folder", "--json")
    job = json.loads(answer.stdout)
    assert job["files"] == ["new/folder/mnist-dcgan-seed-7.png"]
    assert (tmp_path / job["files"][0]).read_bytes() == PICTURE


@pytest.mark.usefixtures("busy_worker")
def test_stylize_uploads_and_mixes_styles(run: Run, client: Client, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(pictures.jpeg())
    (tmp_path / "a.png").write_bytes(pictures.png())
    (tmp_path / "b.webp").write_bytes(pictures.webp())
    weights = ["--weight", 2, "--weight", 1, "--strength", 0.5]
    answer = run("stylize", "photo.jpg", "--style", "a.png", "--style", "b.webp", *weights, "-o", "out.jpg")
    assert answer.exit_code == 0, answer.stderr
    (job,) = client.jobs.list()
    assert [style["weight"] for style in job.input["styles"]] == [2, 1]
    assert (job.input["strength"], job.input["output"]["format"]) == (0.5, "jpeg")


@pytest.fixture
def web() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        paths = {
            "/sea%20side.jpg": pictures.jpeg(),
            "/painting.png": pictures.png(),
            "/mask": pictures.grey(),
        }
        running.replies |= {path: Reply(body=data) for path, data in paths.items()}
        yield running


@pytest.mark.usefixtures("busy_worker")
def test_stylize_names_pictures_by_address(run: Run, client: Client, web: ScriptedServer) -> None:
    addresses = ["--style", f"{web.url}/painting.png?size=1", "--mask", f"{web.url}/mask"]
    web.replies["/painting.png?size=1"] = web.replies["/painting.png"]
    answer = run("stylize", f"{web.url}/sea%20side.jpg", *addresses)
    assert answer.exit_code == 0, answer.stderr
    (job,) = client.jobs.list()
    ids = [client.files.upload(data) for data in (pictures.jpeg(), pictures.png(), pictures.grey())]
    assert [job.input["content"], job.input["styles"][0]["image"], job.input["mask"]] == ids
    assert answer.stdout.startswith("sea_side-painting-")
    assert Path(answer.stdout.strip()).is_file()


@pytest.mark.usefixtures("busy_worker")
def test_transform_takes_an_address(
    run: Run, client: Client, web: ScriptedServer, services: Services
) -> None:
    write_card(services.settings.cards)
    answer = run("transform", f"{web.url}/sea%20side.jpg", "--model", "colorizer", "-o", "out.png")
    assert (answer.exit_code, answer.stdout) == (0, "out.png\n"), answer.stderr
    (job,) = client.jobs.list()
    assert job.input["content"] == client.files.upload(pictures.jpeg())


@pytest.mark.parametrize(
    ("address", "says"),
    [("/none.jpg", "answered 404"), ("/painting.png/../none", "answered 404")],
)
def test_an_address_that_cannot_be_fetched_is_told(
    run: Run, web: ScriptedServer, address: str, says: str
) -> None:
    answer = run("stylize", f"{web.url}{address}", "--style", f"{web.url}/painting.png")
    assert answer.exit_code != 0
    assert says in answer.stderr


def test_what_only_looks_like_an_address_is_refused(run: Run) -> None:
    for given in ("https://", "http:///photo.jpg", "http://[::1/photo.jpg"):
        answer = run("stylize", given, "--style", "3")
        assert (answer.exit_code, "names no host" in answer.stderr) == (2, True)


@pytest.mark.usefixtures("busy_worker")
def test_stylize_takes_every_wish(run: Run, client: Client, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(pictures.jpeg())
    (tmp_path / "mask.png").write_bytes(pictures.grey())
    client.styles.create("waves", pictures.png())
    wishes = ["--preserve-color", "--stroke", 100, "--mask", "mask.png", "--steadiness", 0, "--max-side", 30]
    answer = run("stylize", "photo.jpg", "--style", "waves", *wishes, "-o", "out.webp")
    assert (answer.exit_code, answer.stderr) == (0, "")
    (job,) = client.jobs.list()
    spec = job.input
    assert (spec["styles"][0]["name"], spec["preserve_color"], spec["stroke"]) == ("waves", True, 100)
    assert (spec["steadiness"], spec["size"]["max_side"], spec["output"]["format"]) == (0, 30, "webp")
    assert spec["mask"] == client.files.upload(pictures.grey())


@pytest.mark.usefixtures("busy_worker")
def test_stylize_paints_at_the_models_stroke_or_at_the_photos_size(
    run: Run, client: Client, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(pictures.jpeg())
    for stroke in ([], ["--stroke", "native"]):
        assert run("stylize", "photo.jpg", "--style", "photo.jpg", *stroke).exit_code == 0
    assert [job.input["stroke"] for job in client.jobs.list()] == ["native", 1024]
    refused = run("stylize", "photo.jpg", "--style", "photo.jpg", "--stroke", "bold")
    assert (refused.exit_code, "neither a number of pixels nor the word native" in refused.stderr) == (
        2,
        True,
    )


@pytest.mark.usefixtures("busy_worker")
def test_stylize_takes_numbers_of_built_in_styles(run: Run, client: Client, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(pictures.jpeg())
    styles = ["--style", 3, "--style", 25, "--weight", 1, "--weight", 4]
    assert run("stylize", "photo.jpg", "--model", "multistyle-26", *styles).exit_code == 0
    (job,) = client.jobs.list()
    assert [(style["number"], style["weight"]) for style in job.input["styles"]] == [(3, 1), (25, 4)]


def test_the_latest_preview_is_kept_in_a_file(
    run: Run, client: Client, worker: FakeWorker, tmp_path: Path
) -> None:
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(64, 64))
    optimize = ["--model", "nst-gatys", "--steps", 40, "--optimizer", "lbfgs", "--preview", "so-far.jpg"]
    answers: list[Result] = []
    command = threading.Thread(
        target=lambda: answers.append(run("stylize", "photo.jpg", "--style", "photo.jpg", *optimize))
    )
    command.start()
    eventually(lambda: bool(list(client.jobs.list(status="queued"))))
    (job,) = client.jobs.list()
    running = worker.claim(job.id)
    for step, picture in ((20, pictures.jpeg(20, 20)), (40, pictures.jpeg(30, 30))):
        worker.show(running, step, 40, data=picture)
        kept = tmp_path / "so-far.jpg"
        eventually(lambda kept=kept, picture=picture: kept.is_file() and kept.read_bytes() == picture)
    worker.succeed(running)
    command.join(20)
    assert answers[0].exit_code == 0, answers[0].stderr
    spec = job.input["optimize"]
    assert (spec["steps"], spec["optimizer"], spec["preview_every"]) == (40, "lbfgs", 20)


@pytest.mark.usefixtures("busy_worker")
def test_generate_takes_every_wish(run: Run, client: Client) -> None:
    film = ["--interpolate", "1,2,3", "--steps", 4, "--digit", 0, "--frame-milliseconds", 40, "--once"]
    assert run("generate", *film, "--upscale", 2, "--filter", "lanczos", "-o", "walk.gif").exit_code == 0
    assert run("generate", "--seeds", "4,5", "--grid", "--digits", "0042").exit_code == 0
    sheet, walk = (job.input for job in client.jobs.list())
    assert walk["interpolate"] == {"seeds": [1, 2, 3], "latents": None, "steps": 4}
    assert (walk["digit"], walk["output"]["format"]) == (0, "gif")
    assert walk["animation"] == {"frame_milliseconds": 40, "loop": False}
    assert walk["upscale"] == {"factor": 2, "filter": "lanczos"}
    assert (sheet["seeds"], sheet["grid"], sheet["digits"]) == ([4, 5], {"columns": 8, "gap": 2}, "0042")


@pytest.mark.usefixtures("busy_worker")
def test_an_animation_without_a_name_is_a_gif(run: Run, client: Client) -> None:
    assert run("generate", "--seeds", "1,2", "--animation").exit_code == 0
    (job,) = client.jobs.list()
    assert job.input["output"]["format"] == "gif"


@pytest.mark.usefixtures("busy_worker")
def test_latents_come_from_a_file(run: Run, client: Client, tmp_path: Path) -> None:
    vector = [0.5] * 100
    (tmp_path / "one.json").write_text(json.dumps(vector), "utf-8")
    (tmp_path / "two.json").write_text(json.dumps([vector, vector]), "utf-8")
    assert run("generate", "--latents", "one.json").exit_code == 0
    assert run("generate", "--interpolate-latents", "two.json").exit_code == 0
    walk, one = (job.input for job in client.jobs.list())
    assert (one["latents"], walk["interpolate"]["latents"]) == ([vector], [vector, vector])


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["generate", "--seeds", "1,x"], "no list of whole numbers"),
        (["generate", "--latents", "none.json"], "No such file"),
        (["generate", "--latents", "text.json"], "is not JSON"),
        (["generate", "--latents", "numbers.json"], "no vector of numbers"),
        (["generate", "--steps", "4"], "--steps is for"),
        (["stylize", "photo.jpg", "--style", "no such file"], "there is no file 'no such file' here"),
        (["stylize", "photo.jpg", "--style", "waves"], "there is no style waves"),
        (["stylize", "photo.jpg", "--style", "3"], "no built-in styles"),
        (["stylize", "photo.jpg", "--style", "photo.jpg", "--steps", "50"], "does not take it"),
        (
            ["stylize", "photo.jpg", "--style", "photo.jpg", "--stroke", "5"],
            "--stroke must be at least 64; got 5",
        ),
        (["styles", "add", "Big Wave", "photo.jpg"], "NAME must be a name of 1 to 64 lower-case letters"),
        (["styles", "sheet", "magenta-mobile"], "no picture of built-in styles"),
        (["transform", "photo.jpg", "--model", "nobody"], "nobody"),
    ],
)
def test_a_wrong_wish_is_told_by_name(run: Run, tmp_path: Path, arguments: list[str], reason: str) -> None:
    (tmp_path / "photo.jpg").write_bytes(pictures.jpeg())
    (tmp_path / "text.json").write_text("no json", "utf-8")
    (tmp_path / "numbers.json").write_text('[["a"]]', "utf-8")
    answer = run(*arguments)
    assert answer.exit_code == 2
    assert reason in answer.stderr


def test_styles_are_added_listed_and_removed(run: Run, tmp_path: Path) -> None:
    (tmp_path / "art.png").write_bytes(pictures.png())
    assert run("styles", "add", "waves", "art.png").stdout.endswith("/v1/styles/waves/image\n")
    listed = json.loads(run("styles", "list", "--json").stdout)
    assert [style["name"] for style in listed["stored"]] == ["waves"]
    assert [entry["model"] for entry in listed["builtin"]] == ["multistyle-26"]
    assert "waves" in run("styles", "list").stdout
    removed = run("styles", "remove", "nothing", "waves")
    assert (removed.exit_code, removed.stdout) == (1, "waves removed\n")
    assert "no style nothing" in removed.stderr
    assert json.loads(run("styles", "list", "--json").stdout)["stored"] == []


def test_the_sheet_of_built_in_styles_is_saved(run: Run, tmp_path: Path) -> None:
    assert run("styles", "sheet", "-o", "all.jpg").stdout == "all.jpg\n"
    assert (tmp_path / "all.jpg").read_bytes().startswith(b"\xff\xd8\xff")


@pytest.mark.usefixtures("busy_worker")
def test_transform_sends_a_picture_through_a_network(
    run: Run, client: Client, services: Services, tmp_path: Path
) -> None:
    write_card(services.settings.cards)
    (tmp_path / "photo.jpg").write_bytes(pictures.jpeg())
    answer = run("transform", "photo.jpg", "--model", "colorizer", "--max-side", 20, "-o", "out.png")
    assert (answer.stdout, (tmp_path / "out.png").read_bytes()) == ("out.png\n", PICTURE)
    (job,) = client.jobs.list()
    assert (job.type, job.input["size"]["max_side"]) == ("transform", 20)


def test_workers_are_asked_to_look_for_new_versions(run: Run, services: Services) -> None:
    request = ReloadRequest(services.store.scripts)
    assert not request.is_new()
    assert run("models", "reload").exit_code == 0
    assert request.is_new()


def test_a_refused_request_is_one_line_with_the_field(run: Run) -> None:
    answer = run("generate", "--count", 5000)
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: ")
    assert "count" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_job_that_fails_is_one_line_with_its_reason(run: Run, client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create(GenerateRequest(seed=1))
    worker.fail(worker.claim(job.id))
    answer = run("watch", job.id)
    assert answer.exit_code == 1
    assert f"error: {job.id} failed: content: it ends early" in answer.stderr


@pytest.mark.usefixtures("busy_worker")
def test_a_webhook_goes_with_the_job(run: Run) -> None:
    answer = run("generate", "--webhook", "http://127.0.0.1:9/told", "--json")
    assert json.loads(answer.stdout)["input"]["webhook"]["url"] == "http://127.0.0.1:9/told"


def test_watch_in_a_pipe_says_where_a_job_stands_and_how_to_get_its_pictures(
    run: Run, client: Client, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    client.jobs.create(GenerateRequest(seed=1))
    job = client.jobs.create(GenerateRequest(seed=2))
    seen: list[str] = []
    get = JobsResource.get

    def get_and_go_on(self: JobsResource, name: str) -> Job:
        found = get(self, name)
        seen.append(found.status)
        if seen == ["queued", "queued"]:
            worker.run(name)
        return found

    monkeypatch.setattr(JobsResource, "get", get_and_go_on)
    waited, done = run("watch", job.id), run("watch", job.id)
    hint = f"`atelier watch {job.id} -o out/` saves what it made."
    assert [line.split(", about")[0] for line in waited.stderr.splitlines()] == [
        "queued, number 2: no worker lives",
        hint,
    ]
    assert done.stderr == f"{hint}\n"
    assert done.stdout.startswith(f"{job.id} succeeded: http")
    assert waited.stdout == done.stdout


def test_watch_prints_events_as_json(run: Run, client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create(GenerateRequest(seed=1))
    worker.run(job.id)
    answer = run("watch", job.id, "--json")
    assert answer.exit_code == 0
    assert [json.loads(line)["event"] for line in answer.stdout.splitlines()][-1] == "done"


def test_an_unknown_job_is_one_line_and_what_to_do(run: Run) -> None:
    answer = run("watch", "job_none")
    assert answer.exit_code == 2
    assert answer.stderr.splitlines() == [
        "error: there is no job job_none",
        "`atelier jobs list` shows those that there are",
    ]


def test_waiting_too_long_has_a_status_of_its_own(run: Run) -> None:
    answer = run("generate", "--timeout", 0.1)
    assert answer.exit_code == 4
    assert "was not done in time" in answer.stderr


def test_no_service_has_a_status_and_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.client.transport.pauses", lambda _: iter(()))
    answer = CliRunner().invoke(main, ["--url", "http://127.0.0.1:9", "generate"])
    assert answer.exit_code == 3
    assert "atelier up" in answer.stderr


def test_a_picture_that_cannot_be_read_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("no picture", "utf-8")
    answer = run("stylize", "photo.jpg", "--style", "photo.jpg")
    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1


def test_a_wrong_address_is_one_line() -> None:
    answer = CliRunner().invoke(main, ["--url", "nonsense", "generate"])
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: 'nonsense' is no address")


def test_models_are_listed_with_their_weights(run: Run) -> None:
    answer = run("models", "list", "--json")
    rows = {row["name"]: row for row in json.loads(answer.stdout)}
    assert rows["magenta-mobile"]["weights"] == "not pulled"


def test_a_model_that_nobody_knows_is_one_line(run: Run) -> None:
    answer = run("models", "pull", "nonsense")
    assert answer.exit_code == 1
    assert "; known: enlarge-x2, " in answer.stderr
    assert "magenta-mobile" in answer.stderr


def test_commands_whose_packages_are_missing_say_what_to_install() -> None:
    group = LazyGroup(lazy={"train": "no_such_package.train:train"})
    answer = CliRunner().invoke(group, ["train", "--steps", "3"])
    assert answer.exit_code == 1
    assert "train needs the package no_such_package, which is not installed" in answer.stderr
    assert "`make up`, or `pip install '.[worker]'`" in answer.stderr
    assert CliRunner().invoke(group, ["--help"]).exit_code == 0


def test_help_names_every_command_and_loads_no_tensorflow() -> None:
    code = """
import sys
from atelier.cli import main
main(["--help"], standalone_mode=False)
print("tensorflow" in sys.modules)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert all(name in answer.stdout for name in ("demo", "up", "doctor", "stylize", "transform", "styles"))
    assert answer.stdout.endswith("False\n")


def test_the_default_service_is_the_one_of_the_state_folder(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, api=ApiSettings(host="0.0.0.0", port=81))
    assert default_url(settings) == "http://127.0.0.1:81"
    write_record(tmp_path, UpRecord(1, "http://127.0.0.1:5", ""))
    assert default_url(settings) == "http://127.0.0.1:5"
    public = settings.model_copy(update={"api": ApiSettings(public_url="https://example.org")})
    assert default_url(public) == "https://example.org"
    assert default_url(public.model_copy(update={"url": "http://here"})) == "http://here"
