"""The proxy that the tests of broken connections need."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import redis

from atelier.local.redis_server import EmbeddedServer
from tests.support.http.tcp_proxy import TcpProxy


@pytest.fixture
def proxy(server: EmbeddedServer) -> Iterator[TcpProxy]:
    with TcpProxy(server.url) as running:
        yield running


@pytest.fixture
def client(proxy: TcpProxy) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(proxy.url, socket_timeout=0.3, retry=None) as running:
        yield running


def test_bytes_go_through_in_both_directions(client: redis.Redis) -> None:
    big = b"x" * 1_000_000
    client.set("proxy:big", big)
    assert client.get("proxy:big") == big


def test_a_tcp_upstream_is_reached_too(proxy: TcpProxy) -> None:
    with TcpProxy(proxy.url) as second, redis.Redis.from_url(second.url) as client:
        assert client.ping()


def test_a_frozen_connection_stays_open_and_silent_until_it_thaws(
    client: redis.Redis, proxy: TcpProxy
) -> None:
    client.ping()
    proxy.freeze()
    with pytest.raises(redis.TimeoutError):
        client.set("proxy:frozen", "1")
    proxy.thaw()
    assert client.ping()


def test_open_connections_may_be_lost_while_new_ones_work(client: redis.Redis, proxy: TcpProxy) -> None:
    client.ping()
    proxy.freeze_open()
    with pytest.raises(redis.TimeoutError):
        client.ping()
    assert client.ping()


@contextmanager
def dial(proxy: TcpProxy) -> Iterator[socket.socket]:
    """A connection that the server has answered on."""
    with socket.create_connection(("127.0.0.1", int(proxy.url.rpartition(":")[2]))) as end:
        end.sendall(b"PING\r\n")
        assert end.recv(100) == b"+PONG\r\n"
        yield end


@pytest.mark.parametrize("frozen", [False, True])
def test_a_cut_resets_what_is_open(proxy: TcpProxy, frozen: bool) -> None:
    with dial(proxy) as end:
        if frozen:
            proxy.freeze()
        proxy.cut()
        with pytest.raises(ConnectionResetError):
            end.recv(100)


def test_a_delay_holds_each_answer_back(proxy: TcpProxy, client: redis.Redis) -> None:
    client.ping()
    proxy.delay(0.05)
    began = time.monotonic()
    client.ping()
    assert 0.1 <= time.monotonic() - began < 0.3


def test_refused_connections_end_at_once(proxy: TcpProxy, client: redis.Redis) -> None:
    client.ping()
    proxy.refuse()
    with pytest.raises(redis.ConnectionError):
        client.ping()
    proxy.thaw()
    assert client.ping()


def test_an_upstream_that_is_away_looks_like_a_reset() -> None:
    with TcpProxy("unix:///nowhere/server.sock") as proxy, pytest.raises(ConnectionResetError), dial(proxy):
        pass
