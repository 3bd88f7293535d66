"""Pictures that the project draws itself, the same on every machine: a photo's stand-in, and a painting."""

from atelier.artwork.landscape import draw_landscape
from atelier.artwork.painting import draw_painting

__all__ = ["draw_landscape", "draw_painting"]
