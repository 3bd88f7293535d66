"""What tests of batches start from."""

import pytest

from shared.batches.store import BatchStore
from shared.jobs.store import JobStore
from shared.setting_groups import BatchRules


@pytest.fixture
def batches(store: JobStore) -> BatchStore:
    return BatchStore(store, BatchRules(max_items=500))
