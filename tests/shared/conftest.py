"""What tests of batches, and of buckets, start from."""

from collections.abc import Iterator

import pytest

from shared.batches.store import BatchStore
from shared.jobs.store import JobStore
from shared.setting_groups import BatchRules
from tests.support.s3.servers import RunningServers, running_servers


@pytest.fixture
def batches(store: JobStore) -> BatchStore:
    return BatchStore(store, BatchRules(max_items=500))


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServers]:
    """S3 servers, each started when a test asks for it."""
    with running_servers(tmp_path_factory.mktemp("s3")) as running:
        yield running
