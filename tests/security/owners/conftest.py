"""The service with keys of several owners, and its store."""

from collections.abc import Iterator

import pytest

from api.services import build_services
from atelier.local.redis_server import EmbeddedServer
from shared.network_settings import WebhookSettings
from shared.setting_groups import JobRules
from shared.settings import Settings
from tests.security.owners.person import Worlds
from tests.support.http.gunicorn_server import loopback_gunicorn


@pytest.fixture(scope="module")
def world(module_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worlds]:
    folder = tmp_path_factory.mktemp("worlds")
    settings = Settings(
        redis_url=module_server.url,
        state_dir=folder,
        webhook=WebhookSettings(allow_private="true"),
        jobs=JobRules(lease_seconds=300),  # the worker of these tests has no heartbeat
    )
    with loopback_gunicorn(module_server.url, folder, ATELIER_WEBHOOK_ALLOW_PRIVATE="true") as running:
        yield Worlds(running.http, build_services(settings))
