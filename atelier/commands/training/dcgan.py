"""`atelier train mnist-dcgan`: a generator of digits, or of small pictures of one's own."""

from pathlib import Path

import click

from atelier.commands.options.parameters import complete_files
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
from worker.training.config import TrainingConfig


@click.command("mnist-dcgan")
@click.option(
    "--data",
    required=True,
    shell_complete=complete_files,
    help='Train on "mnist", which is downloaded, on an .npz of pictures, or on a folder '
    "whose subfolders are classes.",
)
@out_option("dcgan-run")
@name_option
@click.option(
    "--size", type=int, default=None, help="Make pictures of this side: a multiple of 4, from 16 to 128."
)
@click.option(
    "--channels",
    type=click.Choice([1, 3]),
    default=None,
    help="Train on grey pictures with 1, on colored ones with 3.",
)
@number("--steps", 4000, "Train for at most so many steps.")
@number("--batch-size", 32, "Train on so many pictures at a time.")
@seed_option
@checkpoint_option
@sample_option
@number(
    "--check-every",
    500,
    "Check the quality after so many steps and keep the best; 0 keeps the last step.",
    least=0,
)
@number(
    "--patience", 5, "End the run early after so many checks without a better one; 0 never does.", least=0
)
@resume_option
@json_option
def mnist_dcgan(*, name: str | None, as_json: bool, **options: object) -> None:
    """Train the digit generator, or one for your own pictures, and put it into the model store.

    Checkpoints, sample grids, metrics and weights go to --out. Stopped at any moment and started again with
    --resume, it ends with the same weights.

    \b
    atelier train mnist-dcgan --data mnist
    atelier train mnist-dcgan --data letters/ --size 32 \\
        --out letters-run
    atelier train mnist-dcgan --data mnist --resume
    """
    check_out("--data", Path(str(options["data"])), Path(str(options["out"])))
    config = TrainingConfig(**options)  # type: ignore[arg-type]  # click has checked the types
    model = checked_name(name or config.out.absolute().name)
    if config.resume:
        CheckpointFolder(config.out / FOLDER).check_resumable()
    settings = Settings.from_env()
    # They bring TensorFlow, which --help must not wait for.
    from worker.models.runtime import configure_tensorflow
    from worker.models.store import ModelStore

    configure_tensorflow(0, 0)
    from worker.training.publish import publish
    from worker.training.run import train as run_training

    stop = Stop(config.out)
    with reporter(config.steps) as show, stop.on_ctrl_c():
        trained = run_training(config, on_progress=stop.noting(show), is_stopping=lambda: stop.is_asked)
    card = publish(trained, model, store=ModelStore(settings.models), cards=settings.cards)
    if as_json:
        echo_json({"name": card.name, "version": card.version, "weights": str(trained.weights)})
    else:
        echo(f"{card.name} {card.version}: {trained.weights}")
