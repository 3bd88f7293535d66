"""Publishes a trained stylizer to workers: a version in the model store, and a card of kind stylize."""

from pathlib import Path

from shared.cards.card import ModelCard
from shared.cards.parts import Range, TrainedSource
from worker.models.store import ModelStore
from worker.models.stylization.trained import StylizerRecord
from worker.training.publish import install
from worker.training.stylizer.config import NO_LICENSE, check_name
from worker.training.stylizer.run import TrainedStylizer

_STROKE = 4  # times the side of the training's squares: where a job does not say how large it is painted
_LEAST_SIDE, _MOST_SIDE = 16, 16_384  # pixels; large pictures are painted in strips


def publish(
    trained: TrainedStylizer, name: str, *, license: str, store: ModelStore, cards: Path
) -> ModelCard:
    """Store the weights as a version named after their sha256 and write the card; return the card.

    A version that is there already stays. The card replaces one of the same name.
    """
    card = make_card(trained, name, license)
    install(card, store=store, cards=cards)
    return card


def make_card(trained: TrainedStylizer, name: str, license: str = NO_LICENSE) -> ModelCard:
    """Describe a trained stylizer: a network of one built-in style, whose number is 0."""
    check_name(name)
    record = trained.record
    return ModelCard(
        name=name,
        kind="stylize",
        version=record.sha256[:12],
        title=f"{name} (one style)",
        description=_describe(record),
        license=license,
        source=TrainedSource(type="trained", path=str(trained.folder.absolute()), sha256=record.sha256),
        parameters={"strength": Range(minimum=0.0, maximum=1.0, default=1.0)},
        min_side=_LEAST_SIDE,
        max_side=_MOST_SIDE,
        stroke=min(4096, _STROKE * record.hyperparameters["size"]),
        builtin_styles=(Path(record.style).stem,),
    )


def _describe(record: StylizerRecord) -> str:
    how = record.hyperparameters
    return (
        f"One style, that of {record.style} (sha256 {record.style_sha256[:12]}), trained by its user after "
        f"Johnson et al. 2016 with instance norms: {how['steps']} steps of {how['batch_size']} squares of "
        f"{how['size']} pixels out of {record.photos} photos, compared by the features of {record.features}."
    )
