"""The recipes as plain Celery tasks, as one first writes them for work in the background.

`python -m bench.bulk.recipe_celery PROCESSES` runs the worker. Nothing here is Atelier's but the networks.
"""

import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from celery import Celery

if TYPE_CHECKING:  # importing it starts TensorFlow, which must not be before the worker forks
    from bench.bulk.recipe import DigitRecipe, StyleRecipe

SERVER = "BENCH_REDIS_URL"
MODELS = "BENCH_MODELS"
STYLIZE, DIGIT = "recipe.stylize", "recipe.digit"


def make_app() -> Celery:
    """Return the app; its results go to the same server."""
    url = os.environ[SERVER].replace("unix://", "redis+socket://")
    app = Celery("recipe", broker=url)
    app.conf.update(result_backend=url, task_default_queue="recipe", worker_hijack_root_logger=False)
    app.task(name=STYLIZE)(_stylize)
    app.task(name=DIGIT)(_draw)
    return app


def _stylize(content: str, style: str, out: str) -> None:
    _style_recipe()(content, style, out)


def _draw(seed: int, out: str) -> None:
    _digit_recipe()(seed, out)


@cache
def _style_recipe() -> "StyleRecipe":
    from bench.bulk.recipe import StyleRecipe

    return StyleRecipe()


@cache
def _digit_recipe() -> "DigitRecipe":
    from bench.bulk.recipe import DigitRecipe

    return DigitRecipe(Path(os.environ[MODELS]))


def main() -> None:
    options = ["--pool=prefork", f"--concurrency={sys.argv[1]}", "--loglevel=WARNING", "--hostname=recipe"]
    make_app().worker_main(["--quiet", "worker", *options])


if __name__ == "__main__":
    main()
