"""When not to answer: what a refusal looks like, and what makes one."""

import pytest

from generation.abstain import MIN_CONFIDENCE, confidence, refuses


@pytest.mark.parametrize(
    "draft",
    [
        "NOT FOUND",
        "Dana's mobile number is NOT FOUND.",
        "The rent for the Old Cannery is not specified in the given sources.",
        "It is not directly mentioned in the text.",
        "The sources do not explicitly state who decided.",
    ],
)
def test_a_refusal_in_whole_sentences_is_one(draft: str) -> None:
    """Else the reader is told "the rent is not specified [1]", with a source beside it."""
    assert refuses(draft)


@pytest.mark.parametrize(
    "draft",
    [
        "The key was not found in the boathouse.",
        "The launch is not in May.",
        "Sources of water are not named.",
    ],
)
def test_a_sentence_with_a_not_is_no_refusal(draft: str) -> None:
    assert not refuses(draft)


def test_a_passage_about_something_else_is_not_answered_from() -> None:
    assert confidence(cosine=0.2, words=0.1, refusal=0.0) < MIN_CONFIDENCE
    assert confidence(cosine=0.7, words=0.3, refusal=0.01) > MIN_CONFIDENCE


def test_each_number_has_its_say() -> None:
    """What is near in meaning is not refused because the model hesitates a little, and the other way round."""
    at_all = confidence(cosine=0.5, words=0.2, refusal=0.1)
    assert confidence(0.6, 0.2, 0.1) > at_all
    assert confidence(0.5, 0.4, 0.1) > at_all
    assert confidence(0.5, 0.2, 0.9) < at_all
