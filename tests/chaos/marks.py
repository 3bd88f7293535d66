"""Marks in a job's input by which a disturbed worker knows what to do to itself. Needs nothing."""

from collections.abc import Sequence

LATENT_SIZE = 16
POISON = 0.6640625  # of the last latent value but one: kills the process (a float32 holds it exactly)
DWELL = 0.7734375  # the same place: the job stays for as many seconds as the last value says
KEY_OF_MARK = "atelier-chaos"  # of a text in a PNG file that kills the process which decodes it
EXIT_POISONED = 134  # what a process that aborts ends with, as a shell says it


def is_marked(latent: Sequence[float], mark: float) -> bool:
    """Whether a latent of the light model carries this mark."""
    return len(latent) == LATENT_SIZE and float(latent[-2]) == mark
