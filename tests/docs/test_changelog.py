"""CHANGELOG.md has the form of Keep a Changelog, and tells of the version that the project says it has."""

import re
import tomllib

from tests.support.pages.pages import PAGES, ROOT

TEXT = PAGES["CHANGELOG.md"].read_text("utf-8")
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
VERSION = re.compile(r"## \[(Unreleased|\d+\.\d+\.\d+)\](?: - (\d{4}-\d\d-\d\d|in preparation))?$")


def test_the_version_of_the_project_is_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    versions = [found.group(1) for line in TEXT.splitlines() if (found := VERSION.match(line))]
    assert project["version"] in versions
    assert versions == sorted(versions, reverse=True)


def test_headings_are_those_of_keep_a_changelog() -> None:
    headings = [line for line in TEXT.splitlines() if line.startswith("## ")]
    assert headings
    assert all(VERSION.match(line) for line in headings)
    kinds = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)
    assert set(kinds) <= KINDS
    assert len(kinds) > len(headings)
