"""What is said of a face that a network is sure of, or not."""

from fer_core.evaluation.abstention import NOT_SURE, describe_answer, label_or_abstain

FACE = {"happy": 0.05, "sad": 0.344, "neutral": 0.306, "angry": 0.3}


def test_a_probability_equal_to_the_threshold_is_an_answer() -> None:
    assert label_or_abstain(FACE, 0.0) == label_or_abstain(FACE, 0.344) == "sad"
    assert label_or_abstain(FACE, 0.345) == NOT_SURE


def test_ties_are_answered_with_the_first_class() -> None:
    assert label_or_abstain({"sad": 0.5, "happy": 0.5}, 0.5) == "sad"


def test_an_abstention_names_the_two_most_probable_classes() -> None:
    assert describe_answer(FACE, 0.6) == "not sure (sad 34 %, neutral 31 %)"
    assert describe_answer(FACE, 0.3) == "sad"
