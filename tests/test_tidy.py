"""A draft as it is shown: short, and nothing that breaks off."""

import pytest

from generation.tidy import quoted, tidy


@pytest.mark.parametrize(
    ("draft", "shown"),
    [
        ("According to the sources, a Wren costs £1,240.", "A Wren costs £1,240."),
        ("Based on the provided context, it is May.", "It is May."),
        ("According to the plan, it is May.", "According to the plan, it is May."),
        (" It is May. ", "It is May."),
        ("", ""),
    ],
)
def test_a_preamble_says_nothing(draft: str, shown: str) -> None:
    assert tidy(draft, 2, cut=False) == shown


def test_a_small_model_that_goes_on_is_cut_after_two_sentences() -> None:
    assert tidy("It is May. It is set. It is the fifth month.", 2, cut=False) == "It is May. It is set."
    assert tidy("It is May. It is set. It is the fifth month.", None, cut=False).endswith("month.")


def test_a_sentence_that_breaks_off_goes_unless_it_is_all_there_is() -> None:
    assert tidy("It is May. It may well be that the", 2, cut=True) == "It is May."
    assert tidy("It may well be that the", 2, cut=True) == "It may well be that the"


def test_a_quote_as_an_answer_has_no_heading() -> None:
    assert quoted("# Aphasia\n\nAphasia is an inability\nto speak.") == "Aphasia is an inability to speak."
    assert quoted("# Aphasia") == "# Aphasia"
