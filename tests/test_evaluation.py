"""When an answer counts as right: a wrong rule here would make every figure of the benchmarks wrong."""

import pytest

from kb.evaluation.measures import content, is_right, median


@pytest.mark.parametrize(
    ("answer", "accepted", "right"),
    [
        ("It was Anna Berg. [1]", ["Anna Berg"], True),
        ("It was Anna.", ["Anna Berg"], True),  # half of the words is enough
        ("It was Anna.", ["Anna Berg Maria"], False),
        ("Nobody said.", ["Anna", "nobody"], True),  # one accepted answer is enough
        ("1,500 euros", ["1500"], False),  # a number counts only whole, as it is written
        ("It ends in [2].", ["2"], False),  # a citation's number is no answer
        ("", ["Anna"], False),
        ("Anna", ["the"], False),  # an accepted answer of stop words alone can't be met
    ],
)
def test_an_answer_is_right_by_its_content_words(answer: str, accepted: list[str], right: bool) -> None:
    assert is_right(answer, accepted) is right


def test_an_answer_that_says_everything_is_not_right() -> None:
    assert is_right("Anna " + "word " * 59, ["Anna"])
    assert not is_right("Anna " + "word " * 60, ["Anna"])


def test_plural_and_case_make_no_difference() -> None:
    assert content("The Budgets") == content("budget")


def test_the_median_is_one_of_the_values() -> None:
    assert median([3.0, 1.0, 2.0]) == 2.0
    assert median([]) == 0.0
