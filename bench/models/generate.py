"""How fast digits are drawn: the served generator against Keras's own calls, in turns, in one process.

Usage: python -m bench.models.generate [--rounds N]
"""

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from bench.measuring import Goal, Table, timed
from shared.cards.card import load_catalog
from worker.models.generation.latents import latent
from worker.models.runtime import configure_tensorflow
from worker.models.store import ModelStore

BATCHES = (1, 16, 256)
NAME = "mnist-dcgan"
SINGLE_GOAL = Goal(3.0)  # milliseconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    arguments = parser.parse_args()
    configure_tensorflow(1, 1)
    with tempfile.TemporaryDirectory() as root:
        served, network = load(ModelStore(Path(root)))
    table = Table("Digits a second, one thread")
    for count in BATCHES:
        compare(table, count, contenders(served, network, count), arguments.rounds)
    table.print()


def load(store: ModelStore) -> tuple[Any, Any]:
    """Return the served generator, and the plain Keras network with the same weights."""
    from worker.models.generation.dcgan import Architecture, read_weights
    from worker.models.generation.generator import build_generator
    from worker.models.loading import load_model

    card = load_catalog().get(NAME)
    folder = store.pull(card).folder
    network = build_generator(Architecture.of(card))
    network.set_weights(read_weights(folder)[1])
    served = load_model(card, store)
    served.warm_up()
    return served, network


def contenders(served: Any, network: Any, count: int) -> dict[str, Callable[[], object]]:
    """Return the contenders, which draw this many digits."""
    shape = served.card.latent
    latents = np.stack([latent(shape, seed, None, 1.0) for seed in range(count)])
    return {
        "served": lambda: served.generate(latents),
        "model(latents)": lambda: network(latents, training=False).numpy(),
        "model.predict": lambda: network.predict(latents, verbose=0),
    }


def compare(table: Table, count: int, actions: dict[str, Callable[[], object]], rounds: int) -> None:
    """Add the rates of a batch size, and how much faster the served generator is."""
    for action in actions.values():
        action()
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):  # in turns, so that a busy moment of the machine affects all of them
        for name, action in actions.items():
            times[name].append(timed(action))
    rates = {name: count / median(values) for name, values in times.items()}
    for name, rate in rates.items():
        table.add(f"batch {count:>3}: {name}", rate, "/s")
    if count == 1:
        table.add("a single digit", 1000 / rates["served"], "ms", SINGLE_GOAL)
    for name in ("model(latents)", "model.predict"):
        table.add(f"batch {count:>3}: served / {name}", rates["served"] / rates[name], "x")


if __name__ == "__main__":
    main()
