"""Another one."""

from shared import PRICE_CENTS


def bill(pictures: int) -> int:
    """Return what some pictures cost, in cents."""
    return pictures * PRICE_CENTS
