"""TLS to the server, by the store's client and by Celery's transport: both verify, and show a certificate."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from kombu.exceptions import OperationalError
from redis.exceptions import ConnectionError as RedisConnectionError

from shared.errors import StoreUnavailable
from shared.queue.celery_app import make_celery
from shared.redis.client import connect, server_time
from shared.settings import Settings
from tests.support.servers.binaries import usable, with_tls
from tests.support.servers.single import running_server, tls_server
from tests.support.servers.tls import Authority, tls_door

Asker = Callable[[str], object]


def ask_store(url: str) -> None:
    with connect(url, retries=0) as client:
        server_time(client)


def ask_celery(url: str) -> None:
    app = make_celery(Settings(redis_url=url))
    with app.connection_for_read() as connection:
        connection.ensure_connection(max_retries=1, interval_start=0, interval_step=0)
    app.close()


ASKERS = pytest.mark.parametrize("ask", [ask_store, ask_celery])
REFUSALS = (StoreUnavailable, OperationalError, RedisConnectionError)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def authority(folder: Path) -> Authority:
    return Authority(folder)


@pytest.fixture(scope="module", params=["door", "server"])
def place(request: pytest.FixtureRequest, folder: Path, authority: Authority) -> Iterator[str]:
    """Where a server takes TLS from who has a certificate of the authority: behind a door, or itself."""
    identity = authority.identity(request.param, "127.0.0.1")
    with ExitStack() as block:
        if request.param == "door":
            plain = block.enter_context(running_server(usable()[-1], folder))
            upstream = urlsplit(plain).port or 0
            port = block.enter_context(tls_door(upstream, identity, clients=authority.certificate))
        else:
            binary = with_tls() or pytest.skip("needs a server with TLS: apt-get install redis-server")
            port = block.enter_context(tls_server(binary, folder, identity, authority.certificate))
        yield f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={authority.certificate}"


@pytest.fixture(scope="module")
def shown(authority: Authority) -> str:
    """The part of a URL that names the client's certificate."""
    own = authority.identity("client", "client.test")
    return f"&ssl_certfile={own.certificate}&ssl_keyfile={own.key}"


@ASKERS
def test_a_server_is_reached_that_can_be_verified(place: str, shown: str, ask: Asker) -> None:
    ask(place + shown)


@ASKERS
def test_a_client_without_its_certificate_is_refused(place: str, ask: Asker) -> None:
    with pytest.raises(REFUSALS):
        ask(place)


@ASKERS
def test_a_server_of_an_unknown_authority_is_not_believed(
    place: str, shown: str, ask: Asker, tmp_path: Path
) -> None:
    other = Authority(tmp_path, "other").certificate
    with pytest.raises(REFUSALS, match="certificate verify failed"):
        ask(f"{place.partition('?')[0]}?ssl_ca_certs={other}{shown}")
    ask(f"{place.partition('?')[0]}?ssl_cert_reqs=none{shown}")  # who asks for it gets it


@ASKERS
def test_a_server_is_not_believed_under_another_name(place: str, shown: str, ask: Asker) -> None:
    renamed = place.replace("127.0.0.1", "localhost") + shown
    with pytest.raises(REFUSALS, match="Hostname mismatch"):
        ask(renamed)
    ask(f"{renamed}&ssl_check_hostname=false")
