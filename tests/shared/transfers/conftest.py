"""Fixtures of transfers: an installation with a folder to read from and one to write to."""

from pathlib import Path

import pytest

from shared.jobs.store import JobStore
from shared.setting_groups import JobRules
from shared.storage.base import ObjectStore
from tests.support.places.transfer_steps import Transferring, rules_of


@pytest.fixture
def rules() -> JobRules:
    return JobRules(lease_seconds=300, backoff_seconds=0)


@pytest.fixture
def moving(store: JobStore, objects: ObjectStore, tmp_path: Path) -> Transferring:
    return Transferring(store, objects, rules_of(tmp_path))
