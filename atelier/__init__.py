"""The user's side: the typed client and the `atelier` command."""

from atelier.client.batch import Batch, BatchItem, NamedOutput
from atelier.client.batch_download import NotSaved, Saved
from atelier.client.batch_run import BatchRun
from atelier.client.batches import BatchSettings
from atelier.client.client import Client
from atelier.client.errors import (
    ApiError,
    ClientError,
    Fault,
    InvalidAddress,
    InvalidValue,
    JobFailed,
    ProtocolError,
    ServiceUnreachable,
    WaitTimeout,
)
from atelier.client.events import Event
from atelier.client.job import Attempt, Job, JobError, Output, Progress, Queue
from atelier.client.pictures import Picture, Source
from atelier.client.request_parts import BatchWebhook
from atelier.client.requests import (
    Animation,
    Encoding,
    GenerateOptions,
    GenerateRequest,
    Grid,
    Interpolation,
    Optimization,
    Style,
    StylizeOptions,
    StylizeRequest,
    TransformOptions,
    TransformRequest,
    Upscale,
    Webhook,
)
from atelier.client.resources import BuiltinStyles, Limits, Model, StoredStyle, Styles

__all__ = [
    "Animation",
    "ApiError",
    "Attempt",
    "Batch",
    "BatchItem",
    "BatchRun",
    "BatchSettings",
    "BatchWebhook",
    "BuiltinStyles",
    "Client",
    "ClientError",
    "Encoding",
    "Event",
    "Fault",
    "GenerateOptions",
    "GenerateRequest",
    "Grid",
    "Interpolation",
    "InvalidAddress",
    "InvalidValue",
    "Job",
    "JobError",
    "JobFailed",
    "Limits",
    "Model",
    "NamedOutput",
    "NotSaved",
    "Optimization",
    "Output",
    "Picture",
    "Progress",
    "ProtocolError",
    "Queue",
    "Saved",
    "ServiceUnreachable",
    "Source",
    "StoredStyle",
    "Style",
    "Styles",
    "StylizeOptions",
    "StylizeRequest",
    "TransformOptions",
    "TransformRequest",
    "Upscale",
    "WaitTimeout",
    "Webhook",
]
