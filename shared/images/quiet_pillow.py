"""Keep what Pillow and libtiff think of strangers' files out of the log and off the standard error."""

import ctypes
import logging
import warnings
from contextlib import suppress

from PIL import Image, _imaging


def quiet_pillow() -> None:
    """Silence warnings, errors and messages about files, for the whole process, and Pillow's own pixel limit.

    They have numbers and words of the files in them: a stranger could fill the log, and Python's registry of
    warnings already shown. What a file lacks is said by an error that names its field.
    """
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    Image.MAX_IMAGE_PIXELS = None
    with suppress(OSError, AttributeError):  # where Pillow has no libtiff, or does not show its functions
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        set_handler.restype, set_handler.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        set_handler(None)
