"""What arguments of tools are: their ranges, and what a program is told of them."""

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from atelier.mcp_server.answers import JobView
from atelier.mcp_server.waiting import MOST_SECONDS

MOST_STYLES = 8
MOST_PICTURES = 64
MOST_LISTED = 50

Call = Context[Any, Any]
Answer = Annotated[CallToolResult, JobView]
PICTURE = (
    "a whole path on the server's machine, the id of an uploaded file (file_...), an http address, or "
    "job:ID, what another job makes"
)
Picture = Annotated[str, Field(description=f"{PICTURE}. Never the bytes of a picture.")]
Made = Annotated[
    str,
    Field(
        description="A picture that Atelier made: a whole path on the server's machine, the id of an "
        "uploaded file (file_...), or job:ID, what a job has made."
    ),
]
Styles = Annotated[
    list[str],
    Field(
        min_length=1,
        max_length=MOST_STYLES,
        description="The name of a stored style, the number of a built-in one (`styles` lists both), or a "
        f"picture: {PICTURE}. Several are mixed in equal parts.",
    ),
]
Strength = Annotated[
    float | None, Field(ge=0, le=1, description="0 gives back the content, 1 the full style.")
]
MaxSide = Annotated[
    int | None, Field(ge=16, description="The longest side of the result in pixels; none keeps the size.")
]
Seed = Annotated[int | None, Field(ge=0, description="The same seed gives the same picture.")]
Profile = Annotated[
    Literal["srgb", "keep"] | None,
    Field(description="Colors of the result: srgb, or keep, the content's own with their profile."),
]
Metadata = Annotated[
    Literal["none", "safe", "all"] | None,
    Field(description="What the result keeps of the content's metadata: none; safe, all but the place; all."),
]
Enlarge = Annotated[
    Literal[2, 3, 4] | None,
    Field(description="Enlarges the finished picture so many times, where a worker has the model for it."),
]
JobId = Annotated[str, Field(description="The job's id (job_...), as another tool answered it.")]
Seconds = Annotated[
    float, Field(ge=0, le=MOST_SECONDS, description="How long to wait for the picture in this call.")
]
Model = Annotated[str | None, Field(description="The model; none takes the service's own.")]
