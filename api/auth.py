"""Who is asking. One anonymous owner, until there are API keys."""

from shared.identifiers import ANONYMOUS


def owner() -> str:
    """Return the owner of the jobs and files that this request may see."""
    return ANONYMOUS
