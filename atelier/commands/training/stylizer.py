"""`atelier train stylizer`: a network that paints in one style, in one go."""

from pathlib import Path

import click

from atelier.commands.options.painting import Option
from atelier.commands.options.parameters import Number
from atelier.commands.training.running import (
    Stop,
    check_out,
    checked_name,
    checkpoint_option,
    json_option,
    name_option,
    number,
    out_option,
    reporter,
    resume_option,
    sample_option,
    seed_option,
)
from atelier.display import echo, echo_json
from shared.settings import Settings
from worker.training.checkpoint import FOLDER, CheckpointFolder
from worker.training.stylizer.config import FEATURES, NO_LICENSE, StylizerConfig, check_name

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _weight(name: str, text: str) -> Option:
    return click.option(name, type=Number(min=0), default=1.0, show_default=True, help=text)


@click.command()
@click.option("--style", type=_FILE, required=True, help="Learn to paint in the manner of this picture.")
@click.option("--photos", type=_FOLDER, required=True, help="Learn on the photos in this folder.")
@out_option("stylizer-run")
@name_option
@click.option(
    "--license", "terms", default=NO_LICENSE, show_default=True, help="State this license on the card."
)
@number("--steps", 10_000, "Train for so many steps.")
@number("--size", 256, "Cut squares of this side out of photos, a multiple of 4 from 64 to 1024.")
@click.option(
    "--style-size",
    type=int,
    default=None,
    help="Bring the longest side of the style to so many pixels: the more, the bolder the strokes. "
    "[default: twice --size]",
)
@number("--batch-size", 4, "Train on so many squares at a time.")
@number("--width", 16, "Give the network so many channels, a multiple of 4 from 4 to 64.")
@_weight("--style-weight", "Weigh the likeness to the style.")
@_weight("--content-weight", "Weigh the likeness to the photos.")
@_weight("--tv-weight", "Weigh smoothness.")
@click.option(
    "--features",
    type=click.Choice(list(FEATURES)),
    default="mobilenet",
    show_default=True,
    help="Compare pictures by this network; pull nst-gatys-vgg19 first for VGG-19.",
)
@seed_option
@checkpoint_option
@sample_option
@resume_option
@json_option
def stylizer(*, name: str | None, terms: str, as_json: bool, **options: object) -> None:
    """Train a network that paints in one style, and put it into the model store.

    Checkpoints, samples, metrics and weights go to --out. Stopped at any moment and started again with
    --resume, it ends with the same weights. After `atelier models reload` jobs name the model, and 0 as
    their style.

    \b
    atelier train stylizer --style art.jpg \\
        --photos photos/ --out art
    """
    config = StylizerConfig(**options)  # type: ignore[arg-type]  # click has checked the types
    check_out("--photos", config.photos, config.out)
    model = checked_name(name or config.out.absolute().name)
    check_name(model)
    if config.resume:
        CheckpointFolder(config.out / FOLDER).check_resumable()
    settings = Settings.from_env()
    # They bring TensorFlow, which --help must not wait for.
    from worker.models.runtime import configure_tensorflow
    from worker.models.store import ModelStore

    configure_tensorflow(0, 0)
    from worker.training.stylizer.publish import publish
    from worker.training.stylizer.run import train

    store, stop = ModelStore(settings.models), Stop(config.out)
    with reporter(config.steps) as show, stop.on_ctrl_c():
        trained = train(
            config,
            store=store,
            on_progress=stop.noting(show),
            on_skip=lambda path, reason: echo(f"{path} is left out: {reason}", err=True),
            is_stopping=lambda: stop.is_asked,
        )
    card = publish(trained, model, license=terms, store=store, cards=settings.cards)
    if as_json:
        echo_json({"name": card.name, "version": card.version, "weights": str(trained.weights)})
    else:
        echo(f"{card.name} {card.version}: {trained.weights}")
