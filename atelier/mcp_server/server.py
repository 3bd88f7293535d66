"""The MCP server: its tools, and how it listens."""

from collections.abc import Sequence
from importlib.metadata import version

from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from mcp_types import ToolAnnotations

from atelier.mcp_server.door import Door
from atelier.mcp_server.tools import Tools

PATH = "/mcp"
LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
INSTRUCTIONS = """Atelier makes pictures: photos painted in the manner of other pictures (`stylize`), and
handwritten digits (`generate`); it enlarges pictures (`transform`), and makes again for another photo what
a picture of its own says that was done (`again`). Each begins a job and waits for it for some seconds. Every
answer has the job's id: where it is not done yet, call `wait` with the id, again and again. Pictures are
named by a path, the id of a file, an http address, or job:ID, what another job makes, never sent inside an
argument; results come as a small preview and a link.
`styles` lists the styles, `jobs` the jobs, `cancel` stops one."""

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)
_MAKES = ToolAnnotations(read_only_hint=False, destructive_hint=False, open_world_hint=False)
_STOPS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=False
)


def build_server(door: Door) -> MCPServer[None]:
    """Return the server with its tools, which listens nowhere yet."""
    server: MCPServer[None] = MCPServer(
        "atelier",
        title="Atelier",
        instructions=INSTRUCTIONS,
        version=version("atelier-service"),
        log_level="WARNING",
    )
    tools = Tools(door)
    for tool, hints in (
        (tools.stylize, _MAKES),
        (tools.transform, _MAKES),
        (tools.generate, _MAKES),
        (tools.again, _MAKES),
        (tools.wait, _READS),
        (tools.cancel, _STOPS),
        (tools.jobs, _READS),
        (tools.styles, _READS),
    ):
        server.add_tool(tool, annotations=hints)
    return server


def serve_http(door: Door, host: str, port: int, names: Sequence[str]) -> None:
    """Serve over streamable HTTP until Ctrl-C, to requests that name this server by one of the names.

    No session is kept: each request stands alone, with its own key.
    """
    build_server(door).run(
        "streamable-http",
        host=host,
        port=port,
        streamable_http_path=PATH,
        stateless_http=True,
        transport_security=security(names),
    )


def security(names: Sequence[str]) -> TransportSecuritySettings:
    """Return which Host and Origin headers are admitted: this machine's own, and these names."""
    admitted = (*LOOPBACK, *names)
    schemes = [f"{scheme}://{name}" for scheme in ("http", "https") for name in admitted]
    return TransportSecuritySettings(
        allowed_hosts=[*admitted, *(f"{name}:*" for name in admitted)],
        allowed_origins=[*schemes, *(f"{origin}:*" for origin in schemes)],
    )


def serve_stdio(door: Door) -> None:
    """Serve the program that started this one, until it closes the standard input."""
    build_server(door).run("stdio")
