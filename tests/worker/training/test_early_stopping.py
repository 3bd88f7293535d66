from worker.training.early_stopping import EarlyStopping


def test_the_best_check_is_remembered() -> None:
    standing = EarlyStopping(1000).after(3.0, 100, 2).after(2.0, 200, 2).after(2.5, 300, 2)
    assert (standing.best_step, standing.best_quality, standing.checks_since) == (200, 2.0, 1)
    assert standing.total == 1000


def test_lost_patience_brings_the_run_to_its_end_early() -> None:
    standing = EarlyStopping(10_000).after(2.0, 100, 2).after(2.5, 200, 2).after(2.1, 300, 2)
    assert standing.total == 500


def test_the_end_comes_no_second_time() -> None:
    standing = EarlyStopping(10_000).after(2.0, 100, 1).after(2.5, 300, 1)
    assert standing.total == 500
    assert standing.after(2.6, 400, 1).after(2.6, 500, 1).total == 500


def test_patience_0_never_ends() -> None:
    standing = EarlyStopping(10_000).after(1.0, 100, 0)
    for step in range(200, 2000, 100):
        standing = standing.after(2.0, step, 0)
    assert standing.total == 10_000
