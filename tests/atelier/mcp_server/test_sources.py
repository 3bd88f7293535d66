"""Which files the server reads for a program."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult

from atelier import Client
from atelier.mcp_server.door import Door
from atelier.mcp_server.sources import read_picture
from tests.atelier.mcp_server.conftest import words
from tests.support.images import pictures

MOST = 1_000_000
Call = Callable[..., CallToolResult]


def test_a_picture_in_a_folder_is_read_by_its_whole_path_and_from_there(photo: Path) -> None:
    folders = (photo.parent.resolve(),)
    assert read_picture(str(photo), folders, MOST) == read_picture("photo.jpg", folders, MOST)
    assert read_picture(str(photo), None, MOST) == photo.read_bytes()


@pytest.mark.parametrize("text", ["../secret.png", "link.png", "link/secret.png", "{outside}/secret.png"])
def test_nothing_outside_of_the_folders_is_read(photo: Path, tmp_path: Path, text: str) -> None:
    (tmp_path / "secret.png").write_bytes(pictures.png())
    (photo.parent / "link.png").symlink_to(tmp_path / "secret.png")
    (photo.parent / "link").symlink_to(tmp_path)
    with pytest.raises(ToolError, match="is not below"):
        read_picture(text.format(outside=tmp_path), (photo.parent.resolve(),), MOST)


def test_whether_a_file_is_there_outside_is_not_told(photo: Path, tmp_path: Path) -> None:
    (tmp_path / "there.png").write_bytes(pictures.png())
    said = set()
    for name in ("there.png", "other.png"):
        with pytest.raises(ToolError) as refused:
            read_picture(str(tmp_path / name), (photo.parent.resolve(),), MOST)
        said.add(str(refused.value).replace(name, "NAME"))
    assert len(said) == 1


@pytest.mark.parametrize("data", [b"root:x:0:0", b"", b"%PDF-1.7", b"-----BEGIN OPENSSH PRIVATE KEY-----"])
def test_what_is_no_picture_does_not_leave_the_machine(
    call: Call, client: Client, photo: Path, data: bytes
) -> None:
    (photo.parent / "secret.png").write_bytes(data)
    answer = call("stylize", content="secret.png", styles=["photo.jpg"])
    assert (answer.is_error, "is no picture" in words(answer)) == (True, True)
    assert list(client.jobs.list()) == []


def test_pipes_folders_and_large_files_are_refused_at_once(photo: Path) -> None:
    os.mkfifo(photo.parent / "pipe.png")
    (photo.parent / "large.png").write_bytes(pictures.png() + bytes(MOST))
    for name, reason in (
        ("pipe.png", "no file"),
        ("", "directory"),
        ("large.png", "bytes"),
        ("a.png", "read"),
    ):
        with pytest.raises(ToolError, match=reason):
            read_picture(name, (photo.parent.resolve(),), MOST)


def test_over_http_nothing_is_read_unless_a_folder_is_named(call: Call, url: str, photo: Path) -> None:
    answer = call("stylize", door=Door(url, folders=()), content=str(photo), styles=["waves"])
    assert "This server reads no files" in words(answer)


def test_without_folders_a_path_must_be_whole(photo: Path) -> None:
    with pytest.raises(ToolError, match="no whole path"):
        read_picture("photo.jpg", None, MOST)
