"""Thousands of pictures at strength 0, compared with what Pillow shows of them.

Every format, mode, profile, orientation and order of chunks goes through the decoder, and a sample of all
through a real API and worker. Ends with status 1 where one is refused, has another size, or is off by more
than half a level on average.

Usage: python -m tests.corpus [--every N] [--only WORD]
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tests.corpus.case import EXCEPTIONS, REFUSALS, Case
from tests.corpus.installed import installed_cases
from tests.corpus.pngs import png_cases
from tests.corpus.saved import saved_cases
from tests.corpus.ways import Finding, by_decoder, by_service

SAMPLE = 16  # of so many pictures one goes through the service


def all_cases() -> list[Case]:
    """Return the corpus."""
    return [*png_cases(), *saved_cases(), *installed_cases()]


def main() -> int:
    """Compare, print what was found, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--every", type=int, default=SAMPLE, help="one of so many goes through the service; 0: none"
    )
    parser.add_argument("--only", default="", help="a word that a picture's name must hold")
    options = parser.parse_args()
    cases = [case for case in all_cases() if options.only in case.name]
    good = report("through the decoder", by_decoder(cases))
    if options.every:
        sample = [
            case for i, case in enumerate(cases) if i % options.every == 0 or case.family == "installed"
        ]
        with tempfile.TemporaryDirectory() as folder:
            good &= report("through API and worker", by_service(sample, Path(folder)))
    return 0 if good else 1


def report(title: str, findings: Iterable[Finding]) -> bool:
    """Print the findings; return whether all are good."""
    found = list(findings)
    families = Counter(finding.case.family for finding in found)
    print(f"{title}: {len(found)} pictures ({', '.join(f'{n} {name}' for name, n in families.items())})")
    bad = [finding for finding in found if not finding.is_good]
    for finding in bad:
        print(f"  BAD {finding.case.name}: {finding.fault or f'{finding.difference:.2f} levels'}")
    worst = max((finding.difference for finding in found if finding.is_good), default=0.0)
    print(f"  bad: {len(bad)}; largest mean difference of the others: {worst:.3f} levels")
    for name, count in Counter(f.case.exception for f in found if f.case.exception).items():
        print(f"  measured by their own samples: {count}, {name}: {EXCEPTIONS[name]}")
    for name, count in Counter(f.refusal for f in found if f.refusal).items():
        print(f"  refused: {count}, {name}: {REFUSALS[name]}")
    return not bad


if __name__ == "__main__":
    sys.exit(main())
