"""The one photo that all samples show, in the color spaces and depths of cameras."""

import io
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms
from skimage import data

from shared.images.heif.color import Coding, profile_of
from tests.corpus.profiles import COLORED

Floats = npt.NDArray[np.float64]

SIZE = (240, 180)  # pixels
PATCHES = ("red", "lime", "blue", "cyan", "magenta", "yellow", "white", "gray", "black")
PATCH_HEIGHT = 20  # pixels
# Made as cameras' profiles are: by curves and colorants.
PROFILES = {
    "Display P3": profile_of(Coding(12, 13)) or b"",
    "BT.2020": profile_of(Coding(9, 4)) or b"",
    "linear P3": profile_of(Coding(12, 8)) or b"",
    "Adobe RGB": COLORED["adobe"],
    "ProPhoto RGB": COLORED["prophoto"],
}
_GAMMAS = {"BT.2020": 563 / 256, "linear P3": 1.0, "Adobe RGB": 563 / 256, "ProPhoto RGB": 461 / 256}
_WHITE_NITS = 203.0  # ITU-R BT.2408


@cache
def photo() -> Image.Image:
    """Return a face, which is upright or not, above patches of plain colors, in sRGB."""
    face = Image.fromarray(data.astronaut()).crop((60, 0, 380, 214)).resize((SIZE[0], SIZE[1] - PATCH_HEIGHT))
    image = Image.new("RGB", SIZE)
    image.paste(face)
    width = -(-SIZE[0] // len(PATCHES))
    for number, color in enumerate(PATCHES):
        image.paste(color, (number * width, SIZE[1] - PATCH_HEIGHT, (number + 1) * width, SIZE[1]))
    return image


def light() -> Floats:
    """Return the photo's light, 0 to 1, in sRGB's colors."""
    level = np.asarray(photo()) / 255.0
    return np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)


def in_space(name: str) -> Floats:
    """Return the photo's numbers in a color space, 0 to 1."""
    mixed = _in_colors(PROFILES[name])
    if name == "Display P3":
        return np.where(mixed <= 0.0031308, 12.92 * mixed, 1.055 * mixed ** (1 / 2.4) - 0.055)
    return np.asarray(mixed ** (1 / _GAMMAS[name]))


def _in_colors(profile: bytes) -> Floats:
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    found = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    return np.clip(light() @ np.linalg.solve(_colorants(found), _colorants(srgb)).T, 0, 1)


def _colorants(profile: ImageCms.ImageCmsProfile) -> Floats:
    core = profile.profile
    return np.array([core.red_colorant[0], core.green_colorant[0], core.blue_colorant[0]]).T  # type: ignore[index]


def in_pq() -> Floats:
    """Return the photo's numbers for an HDR screen: BT.2020 by PQ."""
    part = (_in_colors(PROFILES["BT.2020"]) * _WHITE_NITS / 10_000) ** (2610 / 16_384)
    return np.asarray(((0.8359375 + 18.8515625 * part) / (1 + 18.6875 * part)) ** (2523 / 32))


def in_hlg() -> Floats:
    """Return the photo's numbers for an HDR screen: BT.2020 by HLG."""
    scene = (_in_colors(PROFILES["BT.2020"]) * _WHITE_NITS / 1000) ** (1 / 1.2)
    high = 0.17883277 * np.log(np.maximum(12 * scene - 0.28466892, 1e-9)) + 0.55991073
    return np.where(scene <= 1 / 12, np.sqrt(3 * scene), high)


def eight_bits(numbers: Floats) -> Image.Image:
    """Return 8 bits a sample."""
    return Image.fromarray(np.rint(255 * numbers).astype(np.uint8))


def sixteen_bits(numbers: Floats) -> npt.NDArray[np.uint16]:
    """Return 16 bits a sample."""
    return np.rint(65_535 * numbers).astype(np.uint16)


def turned(orientation: int) -> Image.Image:
    """Return the photo as a sensor has it that is held so: EXIF's number turns it upright."""
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    return photo().transpose(back[orientation]) if orientation in back else photo()


def orientation(number: int) -> bytes:
    """Return an EXIF block that says it."""
    exif = Image.Exif()
    exif[0x0112] = number
    exif[0x010F] = "Sample"
    return exif.tobytes()
