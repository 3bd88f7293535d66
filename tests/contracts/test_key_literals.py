"""Keys of the server are spelled in shared/redis/keys.py, and nowhere else in the program."""

import re
from pathlib import Path

import pytest

from shared.redis.keys import KEYS, PREFIX, Keys, lua_definitions, patterns

ROOT = Path(__file__).parents[2]
HOME = ROOT / "shared" / "redis" / "keys.py"
HEADS = {re.split(r"[:{]", key.text)[0] for key in KEYS}
PYTHON = [path for name in ("api", "worker", "shared", "atelier") for path in (ROOT / name).rglob("*.py")]
LUA = sorted((ROOT / "shared" / "redis" / "lua").rglob("*.lua"))
# A literal that goes on into a key, or is one behind the prefix: "job:{id}", "file:*", f"{prefix}leases".
_HEADS = "|".join(HEADS)
KEY_IN_PYTHON = re.compile(
    rf"""["'](?:{_HEADS}):(?:["'*{{]|\w+:)|{{(?:self\.)?_?(?:prefix|PREFIX)}}(?:{_HEADS})"""
)
KEY_IN_LUA = re.compile(rf"""P \.\. '|'(?:{"|".join(HEADS)}):' \.\.""")
# Parts of keys: a file's user, the idempotency keys of batches and of actions.
BESIDE = {"'style:' .. name", "'batch:' .. key", "'action:' .. key"}


def test_a_literal_is_found_wherever_it_stands() -> None:
    found = [
        'f"{prefix}leases"',
        '"job:*"',
        'f"events:{job_id}"',
        '"owner:" + owner',
        'f"{self._prefix}garbage"',
    ]
    assert [text for text in found if KEY_IN_PYTHON.search(text)] == found
    assert KEY_IN_LUA.search("P .. 'leases'")
    assert KEY_IN_LUA.search("redis.call('GET', 'gone:' .. id)")


def test_no_python_file_spells_a_key() -> None:
    spelled = {
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in PYTHON
        if path != HOME
        for line in path.read_text("utf-8").splitlines()
        if KEY_IN_PYTHON.search(line) and 'f"batch:{idempotency_key}"' not in line
    }
    assert spelled == set()


@pytest.mark.parametrize("path", LUA, ids=lambda path: path.stem)
def test_no_script_spells_a_key(path: Path) -> None:
    text = path.read_text("utf-8")
    for part in BESIDE:
        text = text.replace(part, "")
    assert not KEY_IN_LUA.search(text)


def test_a_key_has_its_parts_behind_the_prefix() -> None:
    keys = Keys()
    assert keys("file", "anonymous", "file_1") == f"{PREFIX}file:anonymous:file_1"
    assert keys("leases") == f"{PREFIX}leases"
    with pytest.raises(ValueError, match="has 2 parts, not 1"):
        keys("file", "anonymous")
    with pytest.raises(KeyError):
        keys("files")


def test_lua_spells_them_alike() -> None:
    lua = lua_definitions()
    assert (
        lua["file_key"] == "local function file_key(owner, id) return P .. 'file:' .. owner .. ':' .. id end"
    )
    assert lua["LEASES"] == "local LEASES = P .. 'leases'"
    assert len(lua) == len(KEYS)


def test_each_key_has_one_name_and_one_text() -> None:
    assert len({key.name for key in KEYS}) == len({key.pattern for key in KEYS}) == len(KEYS)
    assert "lane:*" in patterns("follows")
