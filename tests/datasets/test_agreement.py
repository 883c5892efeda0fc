"""Agreement of raters, against examples that were published with their results."""

import numpy as np
import pytest

from fer_core.datasets.raters.agreement import (
    MISSING,
    answer_agreement,
    cohen_kappa,
    disagreement,
    fleiss_kappa,
    intervals,
    krippendorff_alpha,
)

# Fleiss, "Measuring Nominal Scale Agreement Among Many Raters", 1971, table 1: diagnoses of 30
# patients by six psychiatrists (depression, personality disorder, schizophrenia, neurosis, other).
FLEISS = """
00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031
00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006
"""
# Krippendorff, "Computing Krippendorff's Alpha-Reliability", 2011, section C: four observers, 12
# units, of which some were not observed by all.
KRIPPENDORFF = ("123321412...", "1233224125.3", ".3332342251.", "12332441251.")
# Cohen, "A Coefficient of Agreement for Nominal Scales", 1960: 200 patients, two judges.
COHEN = [[88, 10, 2], [14, 40, 6], [18, 10, 12]]


def counts_of(rows: str) -> np.ndarray:
    return np.array([[int(digit) for digit in row] for row in rows.split()])


def krippendorff_counts() -> np.ndarray:
    given = np.array([list(line) for line in KRIPPENDORFF]).T
    return np.stack([(given == str(answer)).sum(axis=1) for answer in range(1, 6)], axis=1)


def cohen_answers() -> tuple[np.ndarray, np.ndarray]:
    first, second = np.repeat(np.indices((3, 3)).reshape(2, -1), np.ravel(COHEN), axis=1)
    return first, second


def test_fleiss_kappa_and_that_of_each_answer_are_those_of_1971() -> None:
    counts = counts_of(FLEISS)
    (kappa,) = intervals([fleiss_kappa(counts)])
    assert kappa.value == pytest.approx(0.430, abs=5e-4)
    assert kappa.low < kappa.value < kappa.high
    _, kappas = answer_agreement(counts)
    assert kappas == pytest.approx([0.245, 0.245, 0.520, 0.471, 0.566], abs=5e-4)


def test_krippendorff_alpha_is_that_of_2011_with_missing_votes() -> None:
    (alpha,) = intervals([krippendorff_alpha(krippendorff_counts())])
    assert alpha.value == pytest.approx(0.743, abs=5e-4)


def test_cohen_kappa_is_that_of_1960_and_leaves_out_what_one_did_not_rate() -> None:
    first, second = cohen_answers()
    (kappa,) = intervals([cohen_kappa(first, second, 3)])
    assert kappa.value == pytest.approx(0.492, abs=5e-4)
    more = np.append(first, [0, MISSING]), np.append(second, [MISSING, 1])
    assert intervals([cohen_kappa(*more, 3)]) == [kappa]


def test_images_with_one_vote_change_nothing() -> None:
    counts = counts_of(FLEISS)
    measures = fleiss_kappa, krippendorff_alpha
    more = np.vstack([counts, np.eye(5, dtype=int), np.zeros((2, 5), int)])
    assert intervals([measure(counts) for measure in measures]) == intervals(
        [measure(more) for measure in measures]
    )
    assert np.isnan(disagreement(more)[-7:]).all()


def test_subjects_are_resampled_whole() -> None:
    counts = counts_of(FLEISS)
    subjects = np.repeat(np.arange(30), 10)
    (own,) = intervals([fleiss_kappa(counts)])
    copies = [fleiss_kappa(np.repeat(counts, 10, axis=0))]
    (by_subject,), (by_image,) = intervals(copies, subjects), intervals(copies)
    assert by_subject.value == pytest.approx(own.value)
    width, narrow = by_subject.high - by_subject.low, by_image.high - by_image.low
    assert width == pytest.approx(own.high - own.low, rel=0.2)
    assert narrow < width / 2


@pytest.mark.parametrize("counts", [np.zeros((0, 3), int), [[2, 0, 0], [3, 0, 0]], [[1, 0, 0]]])
def test_without_variation_or_pairs_there_is_no_value(counts: np.ndarray) -> None:
    counts = np.asarray(counts)
    for found in intervals([fleiss_kappa(counts), krippendorff_alpha(counts)]):
        assert np.isnan([found.value, found.low, found.high]).all()
