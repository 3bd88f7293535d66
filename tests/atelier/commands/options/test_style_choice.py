"""--style: what it names is looked up before any upload, and a slip is reported once, with what is near."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atelier import Client
from atelier.cli import main
from tests.support.http.trouble import Trouble
from tests.support.images import pictures

Run = Callable[..., Result]
STYLIZE = ["stylize", "photo.jpg", "--style"]
BATCH = ["batch", "photos", "-o", "out", "--style"]


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command in a folder with a photo, two pictures and a folder of photos."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos").mkdir()
    (tmp_path / "art").mkdir()
    for name in ("photo.jpg", "painting.png", "art/Scream.JPG", "photos/a.png", "photos/b.png"):
        (tmp_path / name).write_bytes(pictures.jpeg() if name.lower().endswith("jpg") else pictures.png())
    return lambda *arguments: CliRunner().invoke(main, ["--url", url, *map(str, arguments)])


@pytest.mark.parametrize("command", [STYLIZE, BATCH], ids=["stylize", "batch"])
def test_a_style_that_is_nowhere_is_told_once_before_any_upload(
    run: Run, client: Client, trouble: Trouble, command: list[str]
) -> None:
    client.styles.create("waves", pictures.png(9, 9))
    trouble.requests.clear()
    for words, reasons in {
        ("paintng.png",): ["there is no file 'paintng.png' here", "did you mean painting.png?"],
        ("wavs",): ["there is no style wavs", "did you mean waves?"],
        ("art/scream.jpg",): ["there is no file 'art/scream.jpg'", "did you mean art/Scream.JPG?"],
        ("xyz",): ["there is no style xyz"],
        ("art",): ["'art' is a folder", "there is no style art"],
        ("painting.png", "--style", "wavs", "--style", "paintng.png"): ["style wavs", "style paintng.png"],
        ("7",): ["magenta-mobile has no built-in styles", "--model multistyle-26 has 0 to 25"],
        ("26", "--model", "multistyle-26"): ["multistyle-26 has the built-in styles 0 to 25, not 26"],
        (f"file_{'0' * 64}",): ["there is no file file_"],
    }.items():
        answer = run(*command, *words)
        output = " ".join(answer.stderr.split())
        assert answer.exit_code == 2, (words, answer.output)
        assert [output.count(reason) for reason in reasons] == [1] * len(reasons), output
    assert {method for method, _ in trouble.requests} == {"GET"}
    assert not Path("out").exists()


def test_styles_that_are_there_are_taken_in_any_mix(run: Run, client: Client) -> None:
    client.styles.create("waves", pictures.png(9, 9))
    mix = ["painting.png", "--style", "waves", "--style", client.files.upload(pictures.webp())]
    assert run(*STYLIZE, *mix, "--timeout", 0.1).exit_code == 4
    (job,) = client.jobs.list()
    assert [style["name"] for style in job.input["styles"]] == [None, "waves", None]


def test_the_client_uploads_nothing_where_a_file_is_missing(client: Client, trouble: Trouble) -> None:
    missing = Path("nowhere") / "paintng.png"
    with pytest.raises(FileNotFoundError, match=r"paintng\.png"):
        client.stylize(pictures.jpeg(), [pictures.png(), missing])
    assert trouble.requests == []


@pytest.mark.parametrize(
    ("photos", "output", "reason"),
    [
        (["empty"], "out", "empty: there is no file in it"),
        (["text"], "out", "no picture among its files, which are 1.txt, 2.txt, 3.txt and 1 more"),
        (["text/1.txt"], "out", "no picture among its files, which are 1.txt"),
        (["photos"], "photos", "the folder of photos lies in the output folder photos"),
        (["photos"], ".", "the folder of photos lies in the output folder ."),
        (["."], ".", "the folder of photos lies in the output folder ."),
        (["photos", "art"], ".", "the folder of photos lies in the output folder ."),
    ],
)
def test_a_folder_of_which_nothing_can_come_is_refused_with_the_reason(
    run: Run, trouble: Trouble, tmp_path: Path, photos: list[str], output: str, reason: str
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    for number in range(1, 5):
        (tmp_path / "text" / f"{number}.txt").write_text("text")
    before = sorted(tmp_path.rglob("*"))
    answer = run("batch", *photos, "--style", "painting.png", "-o", output)
    assert answer.exit_code == 2, answer.output
    assert reason in " ".join(answer.stderr.split())
    assert {method for method, _ in trouble.requests} == {"GET"}
    assert sorted(tmp_path.rglob("*")) == before
