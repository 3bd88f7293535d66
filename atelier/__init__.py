"""The user's side: the typed client and the `atelier` command."""

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
from atelier.requests import Encoding, GenerateRequest, Grid, Style, StylizeRequest

__all__ = [
    "ApiError",
    "Client",
    "ClientError",
    "Encoding",
    "Event",
    "Fault",
    "GenerateRequest",
    "Grid",
    "InvalidAddress",
    "Job",
    "JobError",
    "JobFailed",
    "Model",
    "Output",
    "Picture",
    "Progress",
    "ProtocolError",
    "Queue",
    "ServiceUnreachable",
    "Style",
    "StylizeRequest",
    "WaitTimeout",
]
