"""The table of proofs fits the source: every mechanism is there to be taken out, every test to be run."""

from pathlib import Path

import pytest

from tests.proofs.table import PROOFS
from tests.proofs.trial import ROOT, CannotEdit, Edit, Proof, apply

PROMISES = {f"P{number}" for number in range(1, 12)}


def test_every_promise_has_a_proof() -> None:
    assert {proof.promise for proof in PROOFS} == PROMISES


@pytest.mark.parametrize("proof", PROOFS, ids=lambda proof: f"{proof.promise}-{proof.mechanism}")
def test_a_proofs_mechanism_and_test_are_there(proof: Proof, tmp_path: Path) -> None:
    for edit in proof.edits:
        copy = tmp_path / edit.file
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists():
            copy.write_text((ROOT / edit.file).read_text("utf-8"), "utf-8")
        apply(edit, tmp_path)
    file, _, name = proof.test.partition("::")
    assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text("utf-8")


def test_a_mechanism_that_moved_away_is_told(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\nx = 1\n")
    for old in ("x = 1", "y = 1"):
        with pytest.raises(CannotEdit, match=r"a\.py"):
            apply(Edit("a.py", old, ""), tmp_path)
