"""The user's side: the typed client and the `atelier` command."""

from atelier.batch_run import BatchRun
from atelier.batch_saving import Saved
from atelier.batch_view import Batch, BatchItem, NamedOutput
from atelier.client import Client
from atelier.errors import (
    ApiError,
    ClientError,
    Fault,
    InvalidAddress,
    JobFailed,
    ProtocolError,
    ServiceUnreachable,
    WaitTimeout,
)
from atelier.event_stream import Event
from atelier.job_view import Job, JobError, Output, Progress, Queue
from atelier.model_view import Model
from atelier.pictures import Picture
from atelier.requests import (
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
from atelier.style_view import BuiltinStyles, StoredStyle, Styles

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
