"""A part of the corpus; `make corpus` compares all of it, and a sample through a real installation."""

from dataclasses import replace

import numpy as np
import pytest

from tests.corpus.__main__ import all_cases
from tests.corpus.case import EXCEPTIONS
from tests.corpus.reference import difference
from tests.corpus.ways import by_decoder

PARTS = 4
TAKEN = 5  # one of so many is compared here


def test_the_corpus_is_large_and_names_its_exceptions():
    cases = all_cases()
    assert len(cases) >= 2000
    assert len({case.name for case in cases}) == len(cases)
    assert {case.exception for case in cases} <= {"", *EXCEPTIONS}
    assert all((case.truth is None) == (case.exception == "") for case in cases)


@pytest.mark.parametrize("part", range(PARTS))
def test_pictures_keep_their_size_and_colors_at_strength_0(part):
    cases = all_cases()[part::PARTS][::TAKEN]
    assert not [finding for finding in by_decoder(cases) if not finding.is_good]


@pytest.mark.parametrize(
    "spoil", [lambda truth: truth[::-1], lambda truth: truth[:, :-1], lambda truth: truth // 2]
)
def test_a_picture_that_comes_out_wrong_is_found(spoil):
    case = next(case for case in all_cases() if case.exception == "big-endian BigTIFF")
    assert [finding.is_good for finding in by_decoder([case])] == [True]
    wrong = replace(case, truth=lambda: spoil(case.truth()))
    assert [finding.is_good for finding in by_decoder([wrong])] == [False]


def test_what_is_transparent_makes_no_difference_and_alpha_does():
    clear, other = np.zeros((4, 4, 4), np.uint8), np.zeros((4, 4, 4), np.uint8)
    other[:, :, :3] = 255
    assert difference(clear, other) == 0
    other[:, :, 3] = 51
    assert difference(clear, other) == pytest.approx(51)
