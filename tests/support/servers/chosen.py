"""The server of all tests, and its user: by default the one of the package, and a user who may do all.

TEST_SERVER names another program. With TEST_RIGHTS=least tests reach their common server with the rights of
docs/server.md; then those fail that do themselves what Atelier does not, such as CONFIG SET.
"""

import os
from pathlib import Path

from atelier.local import redis_server
from atelier.local.redis_server import EmbeddedServer
from shared.redis.client import connect
from shared.redis.permissions import acl_rules

SERVER, RIGHTS = "TEST_SERVER", "TEST_RIGHTS"
_USER = "atelier:secret@"


def choose_server() -> None:
    """Have embedded servers of this process be the chosen one."""
    if path := os.environ.get(SERVER):
        redis_server.get_binary_path = lambda: Path(path)


def choose_user(server: EmbeddedServer) -> None:
    """Have clients of a running server come as the chosen user."""
    if os.environ.get(RIGHTS) != "least":
        return
    with connect(server.url) as client:
        client.execute_command("ACL", "SETUSER", "atelier", "on", ">secret", *acl_rules().split())
    server.url = server.url.replace("unix://", f"unix://{_USER}")


def admin_url(server: EmbeddedServer) -> str:
    """Return the URL of a user who may do all."""
    return server.url.replace(_USER, "")
