"""The room on the disk of the storage folder. A bucket has no such limits."""

from collections.abc import Iterator

from prometheus_client.registry import Collector

from shared.metrics.families import Family, gauge
from shared.setting_groups import MEBIBYTE, DiskRules
from shared.storage.disk_guard import DiskGuard


class StorageCollector(Collector):
    """Looks at the disk at the scrape."""

    def __init__(self, disk: DiskGuard, rules: DiskRules) -> None:
        self._disk = disk
        self._quota = rules.quota_mebibytes * MEBIBYTE

    def collect(self) -> Iterator[Family]:
        """Yield what is free, and the limits at which new work is refused."""
        room = self._disk.room()
        if room is not None:
            yield from gauge("storage_free_bytes", "Free on the storage folder's disk.", room.free_bytes)
            yield from gauge("storage_disk_bytes", "Of that disk altogether.", room.all_bytes)
            text = "New work is refused (507) where less than this would stay free."
            yield from gauge("storage_floor_bytes", text, room.least_bytes)
            yield from gauge("storage_free_files", "Files that the disk can still hold.", room.free_files)
            text = "New work is refused where it could hold fewer."
            yield from gauge("storage_floor_files", text, room.least_files)
        text = "New work is refused where stored objects would take more; absent without a quota."
        yield from gauge("storage_quota_bytes", text, self._quota or None)
