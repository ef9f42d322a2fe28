"""A draft as it is shown: short, and nothing that breaks off."""

import pytest

from generation.tidy import as_written, quoted, shortened, tidy


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


def test_a_sentence_that_is_too_long_ends_at_a_comma() -> None:
    """Of 66 words on a university's departments nobody wants all who asked how many students it has."""
    students, departments = "It has 16,801 students", ", some of them in a school of theirs" * 8
    said = shortened(f"{students}{departments}.", "How many students has it?")
    assert said.startswith("It has 16,801 students, some") and said.endswith("a school of theirs …")
    assert 45 < len(said.split()) <= 56
    late = f"Students{departments}, and 16,801 in all."
    assert shortened(late, "How many students has it?") == late, "what is asked for comes last"
    school = ", as a school for teachers of the county" * 6
    hidden = f"Founded in 1890{school} (it had 16,801 students in 2020), and later so."
    assert shortened(hidden, "How many students has it?") == hidden, "what is asked for stands in brackets"
    assert shortened(f"It has 9 students. Later{departments}, and moved.", "How many students has it?") == (
        "It has 9 students."
    )
    assert shortened("word " * 80, "What?").split() == ["word"] * 80, "no place to cut it"


def test_a_quote_as_an_answer_has_no_heading() -> None:
    assert quoted("# Aphasia\n\nAphasia is an inability\nto speak.") == "Aphasia is an inability to speak."
    assert quoted("# Aphasia") == "# Aphasia"
    assert quoted("INCOME TAXES\n\nThe rate was 21.6 percent.") == "The rate was 21.6 percent."
    assert quoted("It is so.\n\nAnd so is that.") == "It is so. And so is that."


def test_a_large_number_is_as_the_source_writes_it() -> None:
    """ "16, 801" is found in no source, and a right answer was thrown away for it."""
    assert as_written("It has 16, 801 students.", "enrolls 16,801 students") == "It has 16,801 students."
    assert as_written("It has 1, 116, 801.", "in all 1,116,801") == "It has 1,116,801."
    assert as_written("In 16, 801 was added.", "page 16, 801 of 16,801") == "In 16, 801 was added."
    assert as_written("It was 12, 345.", "of them 12 and 345") == "It was 12, 345."
