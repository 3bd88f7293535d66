"""Opens object storage by its URL: a local folder, S3, GCS, Azure or memory."""

from typing import Any

from shared.storage.base import ObjectStore
from shared.storage.local import LocalObjectStore, local_folder


def open_object_store(url: str, **options: Any) -> ObjectStore:
    """Return the store of a URL: file:///folder, s3://bucket/prefix, gs://..., az://...

    The options are obstore's, for buckets.
    """
    folder = local_folder(url)
    if folder is not None:
        return LocalObjectStore(folder)
    # Imported here: obstore takes 4 MiB in each process, and a local folder does not need it.
    from shared.storage.bucket import BucketStore

    return BucketStore(url, **options)
