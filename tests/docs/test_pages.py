"""Every example of the pages, done from top to bottom by a reader with a fresh installation."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support.pages.pages import PAGES, blocks_of

RUN = {"sh", "python", "json", "http"}
SHOWN = {"text", "yaml", "js"}
NOT_RUN = {  # what may be left out, block by block
    "README.md": ["installs everything", "needs Docker"],
    "README.ko.md": ["installs everything", "needs Docker"],
    "CONTRIBUTING.md": ["are the tests themselves", "take long", "needs Docker"],
    "docs/api.md": ["needs the network", "goes on without an end"],
    "docs/batches.md": ["needs places that the operator named"] * 3,
    "docs/cli.md": ["needs the network", "ends with Ctrl-C", "needs a job that waits"],
    "docs/deploy.md": ["needs Docker"] * 10,
    "docs/gallery.md": ["draws the gallery, for minutes"],
    "docs/kubernetes.md": ["needs Docker", *["needs a cluster"] * 8],
    "docs/mcp.md": ["needs the network", "ends with Ctrl-C"],
    "docs/monitoring.md": ["needs Docker", "needs Docker", "runs until Ctrl-C"],
    "docs/operations.md": [
        "measures, for a minute and a half",
        "needs Docker",
        "takes a worker out of service",
        "needs Docker",
        "for a damaged installation",
        "for a damaged installation",
        "for a stopped installation",
        "needs Docker",
    ],
    "docs/reliability.md": ["breaks things for 40 minutes"],
    "docs/how-it-works.md": ["draws the pictures, for a quarter of an hour"],
    "docs/models.md": ["installs a package", "installs a package"],
    "docs/replicate.md": [
        f"with {client}, by tests/e2e/test_replicate_clients.py"
        for client in ("replicate 1", "replicate 2", "node")
    ],
    "docs/security.md": [
        "from the first key on, the other examples would need it",
        "needs openssl",
        "attacks for half an hour",
    ],
    "docs/server.md": ["needs a server of yours"],
    "docs/start/operator.md": ["needs Docker"],
    "docs/three-hosts.md": ["on three hosts"] * 8,
    "docs/tracing.md": ["needs Docker"],
    "docs/start/photographer.md": ["installs everything, then runs until Ctrl-C", "ends with Ctrl-C"],
    "docs/webhooks.md": ["writes to services of others"],
    "docs/training.md": ["takes an hour and the network", "takes hours"],
}
COMMAND = re.compile(r"\s*(\$ )?(atelier|curl|make|docker|python|pip|git) (?!.*\[--)")
TRANSLATED = {"README.ko.md"}  # its blocks are those of the page that is read: test_translation.py
READ = [
    page
    for page in PAGES
    if page not in TRANSLATED
    if any(block.language in RUN and not block.reason for block in blocks_of(page))
]


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("page", READ)
def test_a_page_works_from_top_to_bottom(page: str, read: Callable[[str], Path]) -> None:
    read(page)


@pytest.mark.parametrize("page", PAGES)
def test_only_what_is_listed_here_is_not_run(page: str) -> None:
    blocks = blocks_of(page)
    assert [block.reason for block in blocks if block.reason] == NOT_RUN.get(page, [])
    unknown = [block.place for block in blocks if block.language not in RUN | SHOWN]
    assert not unknown, f"these blocks have no language that tells what to do with them: {unknown}"


@pytest.mark.parametrize("page", PAGES)
def test_no_command_hides_among_what_is_only_shown(page: str) -> None:
    shown = [block for block in blocks_of(page) if block.language == "text"]
    assert not [block.place for block in shown for line in block.text.splitlines() if COMMAND.match(line)]


@pytest.mark.parametrize("page", PAGES)
def test_yaml_can_be_read(page: str) -> None:
    for block in blocks_of(page):
        if block.language == "yaml":
            assert isinstance(yaml.safe_load(block.text), dict), block.place
