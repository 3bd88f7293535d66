"""What a generator's layers, latent and pictures follow from. Needs no TensorFlow."""

from dataclasses import dataclass

from shared.cards.card import ModelCard
from shared.cards.parts import Latent, Picture
from shared.errors import ModelCorrupt

NORMALS = 90  # of the latent; the one-hot class follows
SIDES = range(16, 129, 4)  # pixels


@dataclass(frozen=True, slots=True)
class Architecture:
    """What the sizes of the layers follow from."""

    side: int = 28  # of the square pictures, pixels; one of SIDES
    channels: int = 1  # 1 or 3
    classes: int = 10  # 0: nothing can be asked for

    @property
    def latent(self) -> Latent:
        """The input's make-up."""
        return Latent(normals=NORMALS, classes=self.classes)

    @property
    def picture(self) -> Picture:
        """The output's size."""
        return Picture(width=self.side, height=self.side, channels=1 if self.channels == 1 else 3)

    @property
    def grid(self) -> tuple[int, int, int]:
        """Height, width and channels of the first feature map."""
        return self.side // 4, self.side // 4, 256

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        return self.side, self.side, self.channels

    @classmethod
    def of(cls, card: ModelCard) -> "Architecture":
        """Return what a card describes; ModelCorrupt where no such generator can be built."""
        latent, picture = card.latent, card.picture
        if latent is None or picture is None or latent.normals != NORMALS:
            raise ModelCorrupt(f"{card.name} must have a picture and a latent of {NORMALS} normals")
        if picture.width != picture.height or picture.width not in SIDES:
            sides = f"a multiple of 4 from {SIDES[0]} to {SIDES[-1]}"
            raise ModelCorrupt(f"{card.name} must have square pictures, their side {sides}")
        return cls(picture.width, picture.channels, latent.classes)
