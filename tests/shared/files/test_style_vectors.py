import pytest

from shared.files.style_library import MAX_BYTES, TTL_MILLISECONDS, StyleVectors
from shared.redis.client import Client, connect

VECTOR = bytes(range(256))


@pytest.fixture
def vectors(redis_client: Client) -> StyleVectors:
    return StyleVectors(redis_client, max_vectors=3)


def test_a_vector_belongs_to_one_network_and_one_picture(vectors: StyleVectors) -> None:
    vectors.put("m1", "f1", VECTOR)
    assert vectors.get("m1", "f1") == VECTOR
    assert vectors.get("m2", "f1") is None
    assert vectors.get("m1", "f2") is None


def test_a_vector_is_forgotten_in_time(vectors: StyleVectors, redis_client: Client) -> None:
    vectors.put("m", "f", VECTOR)
    assert 0 < redis_client.pttl("atelier:vector:m:f") <= TTL_MILLISECONDS


def test_the_oldest_go_where_there_are_too_many(vectors: StyleVectors, redis_client: Client) -> None:
    for number in range(5):
        vectors.put("m", f"f{number}", VECTOR)
    known = [number for number in range(5) if vectors.get("m", f"f{number}")]
    assert len(known) == 3
    assert 4 in known
    assert redis_client.zcard("atelier:vectors") == 3


def test_a_large_vector_is_not_kept(vectors: StyleVectors) -> None:
    vectors.put("m", "f", bytes(MAX_BYTES + 1))
    assert vectors.get("m", "f") is None


def test_a_server_that_is_away_is_no_error() -> None:
    vectors = StyleVectors(connect("redis://127.0.0.1:9/0"))
    vectors.put("m", "f", VECTOR)
    assert vectors.get("m", "f") is None
