import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image

from worker.training.plot import draw_plot


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_curve_is_drawn_from_left_to_right(tmp_path: Path) -> None:
    names = ("generator_loss", "discriminator_loss", "real_score", "fake_score")
    lines = [{"step": step, **dict.fromkeys(names, 1.0 + step / 100)} for step in range(20, 1000, 20)]
    draw_plot(lines, tmp_path / "empty.png")
    draw_plot([{**line, "quality": 2.0} for line in lines[:10]], tmp_path / "checked.png")
    pixels = pixels_of(tmp_path / "empty.png")
    assert pixels.shape == (720, 900, 3)
    red = (pixels[34:212] == (0xC4, 0x45, 0x2D)).all(axis=2)
    assert red[:, 80:860].any(axis=0).mean() > 0.95
    assert (pixels != pixels_of(tmp_path / "checked.png")).any()


def test_a_run_without_figures_gives_empty_panels(tmp_path: Path) -> None:
    draw_plot([], tmp_path / "none.png")
    assert pixels_of(tmp_path / "none.png").shape == (720, 900, 3)


def test_only_drawing_imports_the_plotting_library() -> None:
    code = "import sys, worker.process.model_worker, worker.training.plot; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout == "False\n"
