"""Opens object storage by its URL: a local folder, S3, GCS, Azure or memory."""

from shared.settings import Settings
from shared.storage.base import ObjectStore
from shared.storage.local import LocalObjectStore, local_folder


def open_object_store(url: str, settings: Settings | None = None) -> ObjectStore:
    """Return the store of a URL: file:///folder, s3://bucket/folder, gs://..., az://...

    The settings say how buckets are reached and how long that may take; without them their defaults do.
    Raises ValueError for a URL of no use.
    """
    folder = local_folder(url)
    if folder is not None:
        return LocalObjectStore(folder)
    # Imported here: obstore takes 4 MiB in each process, and a local folder does not need it.
    from shared.storage.bucket import BucketStore
    from shared.storage.bucket_access import bucket_access

    return BucketStore(bucket_access(url, settings))


def open_storage(settings: Settings) -> ObjectStore:
    """Return the configured storage."""
    return open_object_store(settings.storage, settings)
