"""`atelier train`: train a model on this machine, for this installation to serve."""

import click

from atelier.commands.training.dcgan import mnist_dcgan
from atelier.commands.training.stylizer import stylizer


@click.group(short_help="Train a model.")
def train() -> None:
    """Train a model on this machine.

    \b
    atelier train mnist-dcgan --data mnist
    atelier train stylizer --style art.jpg \\
        --photos photos/
    """


train.add_command(mnist_dcgan)
train.add_command(stylizer)
