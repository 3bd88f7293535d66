"""Which settings the errors of a bucket name: those of Atelier's own storage, or that of places."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SettingNames:
    """The settings that say how a bucket is reached, as its errors name them."""

    url: str
    endpoint: str
    region: str
    keys: str
    key_id: str
    rights: str  # that the key needs
    plain: str  # what says that http:// may be used
    timeout: str  # "" where no setting says it


OWN = SettingNames(
    url="ATELIER_STORAGE_URL",
    endpoint="ATELIER_BUCKET_ENDPOINT",
    region="ATELIER_BUCKET_REGION",
    keys="ATELIER_BUCKET_ACCESS_KEY_ID and ATELIER_BUCKET_SECRET_ACCESS_KEY",
    key_id="ATELIER_BUCKET_ACCESS_KEY_ID",
    rights="reading, writing, listing and deleting",
    plain="ATELIER_BUCKET_ENDPOINT",
    timeout="ATELIER_BUCKET_TIMEOUT_SECONDS",
)
PLACE = SettingNames(
    url="the url of the place in ATELIER_PLACES",
    endpoint="its endpoint in ATELIER_PLACES",
    region="its region in ATELIER_PLACES",
    keys="its credentials in ATELIER_PLACES",
    key_id="the place in ATELIER_PLACES",
    rights="listing and getting, or getting and putting",
    plain="its allow_http in ATELIER_PLACES",
    timeout="",
)
