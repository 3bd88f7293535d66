"""The one error tree. Each class has a stable code and a message fit for a client; no HTTP numbers here.

AtelierError
├── requests: InvalidRequest, BodyTooLarge, IdempotencyMismatch
├── pictures: UnsupportedImage, CorruptImage, ImageTooLarge, ImageTooSmall, TooManyFrames,
│       RecipeMissing, RecipeInvalid
├── models: UnknownModel (CardUnusable), ModelUnavailable, ModelCorrupt
├── what is not there: JobNotFound, JobGone (JobReclaimed), BatchNotFound, FileNotFound, StyleNotFound,
│       OutputNotFound, ObjectNotFound, DeliveryNotFound, KeyNotFound, ActionNotFound, WorkerNotFound,
│       PauseNotFound, RecipeNotFound, RolloutNotFound
├── what the state of a thing forbids: IllegalMove, FileInUse, StyleExists, SecretIsConfigured,
│       TooManyPauses, TooManyRecipes
├── server and storage: StoreUnavailable (StoreFull), StorageUnavailable (OutOfDisk, ObjectDamaged),
│       RecordTooNew
├── jobs that take outputs of others: ParentFailed, ChainTooLong
├── how a job fails at a worker: OutOfMemory, WorkerLost, TimeLimitExceeded, AttemptsExhausted
└── an attempt that must stop: LeaseLost (JobCanceled, DeadlineExceeded), in shared/jobs/status.py

Errors that only HTTP knows are in api/errors.py.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault of one field of a request."""

    pointer: str  # JSON Pointer into the request, "/strength"; "" means the whole body
    detail: str  # what is wrong and which limit holds
    code: str  # stable, machine readable


class AtelierError(Exception):  # the base of every error that a client or an operator may see
    """Raised when the service itself is at fault, not the request; its log says why."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"
    retryable: ClassVar[bool] = False  # may the same job succeed later, unchanged?

    def __init__(self, detail: str = "", *, errors: Sequence[FieldError] = (), inside: str = "") -> None:
        """`detail` is what clients are told; `inside` names paths, addresses and causes, for logs alone."""
        self.detail = detail or self.title
        self.inside = inside
        super().__init__(self.whole)
        self.errors = tuple(errors)

    @property
    def whole(self) -> str:
        """What logs and commands on the service's machine say."""
        return f"{self.detail}: {self.inside}" if self.inside else self.detail

    @classmethod
    def of_field(cls, pointer: str, detail: str) -> "AtelierError":
        """Build the error for one field, so that the client learns where the fault lies."""
        return cls(detail, errors=[FieldError(pointer, detail, cls.code)])

    def to_json(self) -> dict[str, Any]:
        """Return the members that both a problem document and a job's `error` carry."""
        body: dict[str, Any] = {"code": self.code, "title": self.title, "detail": self.detail}
        if self.errors:
            body["errors"] = [asdict(error) for error in self.errors]
        return body


# Requests


class InvalidRequest(AtelierError):
    """Raised when a request names unknown fields, misses some, or holds values out of range."""

    code = "invalid_request"
    title = "The request is not valid"


class BodyTooLarge(AtelierError):
    """Raised when a request or a file has more bytes than allowed."""

    code = "body_too_large"
    title = "The body is too large"


class IdempotencyMismatch(AtelierError):
    """Raised when an idempotency key or a job id comes again with another body."""

    code = "idempotency_key_reused"
    title = "The key was used with another body"


@dataclass(frozen=True, slots=True)
class QuotaUse:
    """Which limit of an owner is spent, and how far."""

    name: str
    limit: int
    used: int
    asked: int  # for as much more


class QuotaExceeded(AtelierError):
    """Raised when an owner asks for more than its quota has left; nothing of the request was accepted."""

    code = "quota_exceeded"
    title = "The quota is spent"

    def __init__(
        self, detail: str = "", *, use: QuotaUse | None = None, retry_after_seconds: int | None = None
    ) -> None:
        super().__init__(detail)
        self.use = use
        self.retry_after_seconds = retry_after_seconds  # None: time alone does not help

    def to_json(self) -> dict[str, Any]:
        """Return the members of the problem document, `quota` among them."""
        return {**super().to_json(), "quota": asdict(self.use) if self.use else None}


# Pictures


class UnsupportedImage(AtelierError):
    """Raised when bytes are not a picture in a format that the service reads."""

    code = "unsupported_image_format"
    title = "Unsupported image format"


class CorruptImage(AtelierError):
    """Raised when a picture starts well and cannot be read to its end."""

    code = "corrupt_image"
    title = "The image cannot be decoded"


class ImageTooLarge(AtelierError):
    """Raised when a picture has more pixels, or a longer or shorter side, than allowed."""

    code = "image_too_large"
    title = "The image is too large"


class ImageTooSmall(AtelierError):
    """Raised when a picture has a side too short for any model."""

    code = "image_too_small"
    title = "The image is too small"


class TooManyFrames(AtelierError):
    """Raised when a picture has more frames than allowed."""

    code = "too_many_frames"
    title = "The image has too many frames"


class RecipeMissing(AtelierError):
    """Raised when a picture is to be made again that does not say how it was made."""

    code = "recipe_missing"
    title = "The picture has no recipe"


class RecipeInvalid(AtelierError):
    """Raised when the recipe in a picture is damaged, too large, or none of Atelier's."""

    code = "recipe_invalid"
    title = "The picture's recipe cannot be used"


# Models


class UnknownModel(AtelierError):
    """Raised when no card has the requested name, or the card is of another kind."""

    code = "unknown_model"
    title = "Unknown model"


class CardUnusable(UnknownModel):
    """Raised when the file with the requested model's card is at fault; once corrected, it is used."""

    code = "model_card_unusable"
    title = "The model's card cannot be used"
    retryable = True


class ModelUnavailable(AtelierError):
    """Raised when a card exists and its weights are not in the model store."""

    code = "model_unavailable"
    title = "The model's weights are not available"


class ModelCorrupt(AtelierError):
    """Raised when stored weights differ from their recorded checksums."""

    code = "model_corrupt"
    title = "The stored model is damaged"


# What is not there


class JobNotFound(AtelierError):
    """Raised when no job of this owner has the id."""

    code = "job_not_found"
    title = "No such job"


class JobGone(AtelierError):
    """Raised when a job existed and its time to live is over, or it was deleted."""

    code = "job_gone"
    title = "The job has expired or was deleted"


class JobReclaimed(JobGone):
    """Raised when a job or batch was removed before its time, with its result, to make room for others."""

    code = "job_reclaimed"
    title = "The job was removed to make room"


class BatchNotFound(AtelierError):
    """Raised when the owner has no such batch."""

    code = "batch_not_found"
    title = "There is no such batch"


class ActionNotFound(AtelierError):
    """Raised when the owner has no such bulk action."""

    code = "action_not_found"
    title = "There is no such action"


class FileNotFound(AtelierError):
    """Raised when no file of this owner has the id."""

    code = "file_not_found"
    title = "No such file"


class StyleNotFound(AtelierError):
    """Raised when no style of this owner has the name."""

    code = "style_not_found"
    title = "No such style"


class OutputNotFound(AtelierError):
    """Raised when a job has no output with the index."""

    code = "output_not_found"
    title = "No such output"


class ObjectNotFound(AtelierError):
    """Raised when storage holds no object under the key."""

    code = "object_not_found"
    title = "No such object"


class WorkerNotFound(AtelierError):
    """Raised when no worker of a name lives, and none is cordoned."""

    code = "worker_not_found"
    title = "There is no such worker"


class DeliveryNotFound(AtelierError):
    """Raised when no delivery of a webhook of this owner has the id."""

    code = "delivery_not_found"
    title = "No such delivery"


class PauseNotFound(AtelierError):
    """Raised when no pause that this owner may know of has the id, or it has ended."""

    code = "pause_not_found"
    title = "No such pause"


class RecipeNotFound(AtelierError):
    """Raised when neither the owner nor everybody has a recipe of the name, or not this version of it."""

    code = "recipe_not_found"
    title = "No such recipe"


class RolloutNotFound(AtelierError):
    """Raised when no version of the model is rolled out."""

    code = "rollout_not_found"
    title = "No version is rolled out"


class KeyNotFound(AtelierError):
    """Raised when no API key has the id."""

    code = "key_not_found"
    title = "No such API key"


# What the state of a thing forbids


class IllegalMove(AtelierError):
    """Raised when a job is moved from a status that forbids it."""

    code = "job_state_conflict"
    title = "The job's status does not allow this"


class FileInUse(AtelierError):
    """Raised when a file is deleted that an unfinished job or a stored style needs."""

    code = "file_in_use"
    title = "The file is still needed"


class TooManyPauses(AtelierError):
    """Raised when there are as many pauses as there may be; one has to end before another is made."""

    code = "too_many_pauses"
    title = "There are too many pauses"


class TooManyRecipes(AtelierError):
    """Raised when an owner has as many recipes as it may have."""

    code = "too_many_recipes"
    title = "There are too many recipes"


class StyleExists(AtelierError):
    """Raised when a style is to be kept under a name that another picture has."""

    code = "style_exists"
    title = "The style's name is taken"


class SecretIsConfigured(AtelierError):
    """Raised when the signing secret is to be renewed that the operator has set."""

    code = "webhook_secret_configured"
    title = "The signing secret is set by the operator"


# Server and storage


class StoreUnavailable(AtelierError):
    """Raised when the Redis-protocol server does not answer or cannot write."""

    code = "store_unavailable"
    title = "The job store is not available"
    retryable = True


class StoreFull(StoreUnavailable):
    """Raised when the Redis-protocol server answers, and has no memory or no disk left for a write."""

    code = "store_full"
    title = "The job store is full"


class StorageUnavailable(AtelierError):
    """Raised when object storage cannot be read or written now."""

    code = "storage_unavailable"
    title = "Object storage is not available"
    retryable = True

    def __init__(
        self,
        detail: str = "",
        *,
        errors: Sequence[FieldError] = (),
        inside: str = "",
        is_lasting: bool = False,
    ) -> None:
        super().__init__(detail, errors=errors, inside=inside)
        self.is_lasting = is_lasting  # until a setting, or the storage itself, is changed


class OutOfDisk(StorageUnavailable):
    """Raised when object storage has no room left for a write."""

    code = "out_of_disk"
    title = "Object storage is full"


class ObjectDamaged(StorageUnavailable):
    """Raised when the bytes that are read are not those that were written."""

    code = "object_damaged"
    title = "The stored bytes are damaged"


class RecordTooNew(AtelierError):
    """Raised when a job's record has a schema that this version does not read."""

    code = "record_too_new"
    title = "The job was written by a newer Atelier"


# Jobs that take outputs of others


class ParentFailed(AtelierError):
    """Raised when a job takes the output of another one that made none; it never starts."""

    code = "parent_failed"
    title = "A job that this one needs made no picture"


class ChainTooLong(AtelierError):
    """Raised when too many jobs wait for the output of one, or one after another."""

    code = "chain_too_long"
    title = "Too many jobs wait for each other"


# How a job fails at a worker


class OutOfMemory(AtelierError):
    """Raised when a model ran out of memory; a later attempt may find more."""

    code = "out_of_memory"
    title = "The worker ran out of memory"
    retryable = True


class WorkerLost(AtelierError):
    """Raised when a job's workers died or froze more often than its crash budget allows."""

    code = "worker_lost"
    title = "The job's worker was lost too often"


class TimeLimitExceeded(AtelierError):
    """Raised when a job ran longer than the hard limit."""

    code = "time_limit_exceeded"
    title = "The job ran too long"


class AttemptsExhausted(AtelierError):
    """Raised when the last allowed attempt ended with a transient error."""

    code = "attempts_exhausted"
    title = "The job failed on every attempt"
