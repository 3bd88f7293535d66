"""Jobs with a content picture: at which size their network works, for API, workers and estimates."""

from typing import TYPE_CHECKING

from shared.cards.card import ModelCard
from shared.errors import ImageTooLarge, ImageTooSmall
from shared.images.limits import ImageLimits, check_frames
from shared.specs.base import JobSpec, longest_side
from shared.specs.parts import PictureSize
from shared.specs.parts import Size as SizeOption

Size = tuple[int, int]  # width and height, pixels


class ContentSpec(JobSpec):
    """A job that makes a picture from a content picture."""

    if TYPE_CHECKING:  # subclasses declare them, in the order in which JSON has them
        content: str
        size: SizeOption

    @property
    def takes_frames(self) -> bool:
        """Whether every frame of animated content is used, and not the first one alone."""
        return False

    @property
    def sizing(self) -> tuple[object, ...]:
        """What decides, with the card and the content's size, whether the content can be used."""
        return (self.size.max_side, self.takes_frames, self.output.format, self.output.enlarge)

    @property
    def size_fields(self) -> str:
        """The fields that make the network's picture smaller, as a sentence names them."""
        return "size.max_side"

    def network_size(self, card: ModelCard, result: Size) -> Size:
        """Return the size of what the network gets for a result of a size, unchecked."""
        return result


def fit(width: int, height: int, max_side: int) -> Size:
    """Return the size that keeps the shape and has no side above `max_side`; it never grows."""
    longest = max(width, height)
    if longest <= max_side:
        return width, height
    return max(1, round(width * max_side / longest)), max(1, round(height * max_side / longest))


def result_size(spec: ContentSpec, content: Size) -> Size:
    """Return the size to which the content is brought: of a stylization it is the size of the result."""
    return content if spec.size.max_side is None else fit(*content, spec.size.max_side)


def working_size(spec: ContentSpec, card: ModelCard, content: Size) -> Size:
    """Return the size of what the network gets; `content` is the picture's own size.

    Raises ImageTooSmall or ImageTooLarge, naming the content, where the model does not take it.
    """
    width, height = result_size(spec, content)
    shown = f"content is {width} x {height} pixels"
    if min(width, height) < card.min_side:
        detail = f"{shown}; {card.name} needs sides of at least {card.min_side}"
        raise ImageTooSmall.of_field("/content", detail)
    worked = spec.network_size(card, (width, height))
    if max(worked) > card.max_side:
        detail = f"{shown}; {card.name} takes sides up to {card.max_side}: set {spec.size_fields}"
        raise ImageTooLarge.of_field("/content", detail)
    return worked


def check_content(spec: ContentSpec, card: ModelCard, content: PictureSize, limits: ImageLimits) -> Size:
    """Return the working size for content of a size and a number of frames.

    Raises ImageTooSmall, ImageTooLarge or TooManyFrames, naming the content, where the job cannot use it.
    """
    worked = working_size(spec, card, content[:2])
    if spec.takes_frames:
        check_frames(content[:2], content.frames, limits, field="/content")
    frames = content.frames if spec.takes_frames else 1
    check_enlarged(spec, card, result_size(spec, content[:2]), limits, frames=frames)
    return worked


def check_enlarged(
    spec: ContentSpec, card: ModelCard, size: Size, limits: ImageLimits, *, frames: int = 1
) -> None:
    """Raise ImageTooLarge where a picture of a size would be enlarged to more pixels than are allowed.

    `size` is that to which the content is brought. It names `output.enlarge`, or else the content.
    """
    factor = card.scale * spec.output.factor
    if factor == 1:
        return
    width, height = (side * factor for side in size)
    shown = f"{size[0]} x {size[1]} pixels, enlarged {factor} times, are {width} x {height}"
    shown = f"{shown} in {frames} frames" if frames > 1 else shown
    field, advice = ("/output/enlarge" if spec.output.enlarge else "/content"), "set size.max_side"
    most = longest_side(spec.output.format)
    if max(width, height) > most:
        raise ImageTooLarge.of_field(field, f"{shown}; a side may have at most {most} pixels: {advice}")
    if width * height * frames > limits.max_pixels:
        detail = f"{shown}, above {limits.max_pixels} pixels (max_pixels): {advice}"
        raise ImageTooLarge.of_field(field, detail)
