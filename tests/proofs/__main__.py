"""`python -m tests.proofs [P1 ...]`: take each mechanism out, and see the promise's test fail."""

import sys
from collections.abc import Sequence

from tests.proofs.table import PROOFS
from tests.proofs.trial import FAILED, PASSED, Proof, Verdict, attempt

HEADER = "| promise | test | mechanism taken out | with it | without it |\n|---|---|---|---|---|"


def _wanted(names: Sequence[str]) -> list[Proof]:
    unknown = set(names) - {proof.promise for proof in PROOFS}
    if unknown:
        raise SystemExit(f"no proofs of {', '.join(sorted(unknown))}")
    return [proof for proof in PROOFS if not names or proof.promise in names]


def _row(proof: Proof, whole: Verdict, without: Verdict) -> str:
    outcomes = (f"{verdict.word}, {verdict.seconds:.0f} s" for verdict in (whole, without))
    return f"| {proof.promise} | `{proof.test}` | {proof.mechanism} | {' | '.join(outcomes)} |"


def _report(proof: Proof) -> bool:
    whole, without = attempt(proof)
    print(_row(proof, whole, without), flush=True)
    is_proven = (whole.status, without.status) == (PASSED, FAILED)
    if not is_proven:
        print(f"{whole.last_lines}\n--- without:\n{without.last_lines}", file=sys.stderr, flush=True)
    return is_proven


def main() -> int:
    """Print the table; return 1 where a test does not notice what is missing, or fails anyhow."""
    proofs = _wanted(sys.argv[1:])
    print(HEADER, flush=True)
    proven = [_report(proof) for proof in proofs]
    print(f"\n{sum(proven)} of {len(proofs)} proven")
    return 0 if all(proven) else 1


if __name__ == "__main__":
    sys.exit(main())
