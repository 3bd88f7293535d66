"""The user's side: the typed client and the `atelier` command."""

from atelier.client.aio.batch_run import AsyncBatchRun
from atelier.client.aio.client import AsyncClient
from atelier.client.aio.downloads import AsyncPicture
from atelier.client.batch import Batch, BatchItem, BatchPause, Estimate, NamedOutput
from atelier.client.batch_run import BatchRun
from atelier.client.batches import BatchSettings
from atelier.client.client import Client
from atelier.client.downloads import NotSaved, Picture, Saved
from atelier.client.errors import (
    ApiError,
    ClientError,
    Fault,
    InvalidAddress,
    InvalidValue,
    ProtocolError,
    ServiceUnreachable,
)
from atelier.client.events import Change, Event, WaitTimeout
from atelier.client.files import Limits, Source
from atelier.client.job import Attempt, Hold, Job, JobError, JobFailed, Output, Progress, Queue
from atelier.client.places.places import Place
from atelier.client.places.request import PlaceDestination, PlaceSource
from atelier.client.queue.pauses import Pause
from atelier.client.recipes.again import recipe_of
from atelier.client.recipes.stored import StoredRecipe
from atelier.client.request_parts import (
    ActionWebhook,
    Animation,
    BatchWebhook,
    Encoding,
    Grid,
    Interpolation,
    Optimization,
    StopWhen,
    Style,
    Upscale,
    Webhook,
)
from atelier.client.requests import (
    GenerateOptions,
    GenerateRequest,
    StylizeOptions,
    StylizeRequest,
    TransformOptions,
    TransformRequest,
)
from atelier.client.styles import BuiltinStyles, Model, StoredStyle, Styles

__all__ = [
    "ActionWebhook",
    "Animation",
    "ApiError",
    "AsyncBatchRun",
    "AsyncClient",
    "AsyncPicture",
    "Attempt",
    "Batch",
    "BatchItem",
    "BatchPause",
    "BatchRun",
    "BatchSettings",
    "BatchWebhook",
    "BuiltinStyles",
    "Change",
    "Client",
    "ClientError",
    "Encoding",
    "Estimate",
    "Event",
    "Fault",
    "GenerateOptions",
    "GenerateRequest",
    "Grid",
    "Hold",
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
    "Pause",
    "Picture",
    "Place",
    "PlaceDestination",
    "PlaceSource",
    "Progress",
    "ProtocolError",
    "Queue",
    "Saved",
    "ServiceUnreachable",
    "Source",
    "StopWhen",
    "StoredRecipe",
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
    "recipe_of",
]
