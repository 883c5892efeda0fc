"""What is said of a face that a network is sure of, or not."""

from fer_core.evaluation.abstention import NOT_SURE, describe_answer, label_or_abstain

FACE = {"happy": 0.05, "sad": 0.344, "neutral": 0.306, "angry": 0.3}


def test_an_answer_as_probable_as_the_threshold_is_given() -> None:
    assert label_or_abstain(FACE, 0.0) == label_or_abstain(FACE, 0.344) == "sad"
    assert label_or_abstain(FACE, 0.345) == NOT_SURE


def test_of_equals_the_first_is_the_answer() -> None:
    assert label_or_abstain({"sad": 0.5, "happy": 0.5}, 0.5) == "sad"


def test_where_it_is_not_sure_the_two_likeliest_are_named() -> None:
    assert describe_answer(FACE, 0.6) == "not sure (sad 34 %, neutral 31 %)"
    assert describe_answer(FACE, 0.3) == "sad"
