"""One service with a worker that does as told, for the panels; each test is somebody else on it."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from shared.access.key import Scope
from tests.web.conftest import Visits
from tests.web.panels.site import PERSON, Person, Site, running_site
from tests.web.visit import Visit

Enter = Callable[..., Visit]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def site(sync_api: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running_site(tmp_path_factory.mktemp("panels")) as running:
        yield running


@pytest.fixture
def anna(site: Site) -> Person:
    """Somebody with a key that may read and submit, and nothing yet."""
    return site.person(f"anna-{next(_numbers)}", PERSON)


@pytest.fixture
def root(site: Site) -> Person:
    """Somebody who runs the service."""
    return site.person(f"root-{next(_numbers)}", frozenset({Scope.ADMIN}))


@pytest.fixture
def enter(visits: Visits, site: Site) -> Enter:
    """Opens a panel as somebody who is signed in."""

    def opened(person: Person, at: str, **options: Any) -> Visit:
        kept = [{"name": "atelier.key", "value": person.key}]
        state = {"cookies": [], "origins": [{"origin": site.url, "localStorage": kept}]}
        return visits(f"{site.url}/#/{at}", storage_state=state, **options)

    return opened
