"""The user's side: the typed client and the `atelier` command."""

from atelier.client.batch import Batch, BatchItem, NamedOutput
from atelier.client.batch_download import Saved
from atelier.client.batch_run import BatchRun
from atelier.client.client import Client
from atelier.client.errors import (
    ApiError,
    ClientError,
    Fault,
    InvalidAddress,
    JobFailed,
    ProtocolError,
    ServiceUnreachable,
    WaitTimeout,
)
from atelier.client.events import Event
from atelier.client.job import Job, JobError, Output, Progress, Queue
from atelier.client.model_view import Model
from atelier.client.pictures import Picture
from atelier.client.requests import (
    Animation,
    Encoding,
    GenerateRequest,
    Grid,
    Interpolation,
    Optimization,
    Style,
    StylizeRequest,
    TransformRequest,
    Upscale,
    Webhook,
)
from atelier.client.resources import BuiltinStyles, StoredStyle, Styles

__all__ = [
    "Animation",
    "ApiError",
    "Batch",
    "BatchItem",
    "BatchRun",
    "BuiltinStyles",
    "Client",
    "ClientError",
    "Encoding",
    "Event",
    "Fault",
    "GenerateRequest",
    "Grid",
    "Interpolation",
    "InvalidAddress",
    "Job",
    "JobError",
    "JobFailed",
    "Model",
    "NamedOutput",
    "Optimization",
    "Output",
    "Picture",
    "Progress",
    "ProtocolError",
    "Queue",
    "Saved",
    "ServiceUnreachable",
    "StoredStyle",
    "Style",
    "Styles",
    "StylizeRequest",
    "TransformRequest",
    "Upscale",
    "WaitTimeout",
    "Webhook",
]
