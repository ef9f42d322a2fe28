"""Sentence spans: exact offsets, and cuts where a reader would cut."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.sentences import sentence_spans, strip_span

# Mostly the characters that the rules look at, so that hypothesis meets them together.
TRICKY = st.text(alphabet=st.sampled_from(list('aAb1. !?…\n\t"”)]-*+•|#>:;,é\u3000\u00a0\x85')), max_size=120)


def sentences(text: str) -> list[str]:
    return [text[start:end] for start, end in sentence_spans(text)]


def assert_lawful(text: str, start: int, end: int) -> None:
    covered: set[int] = set()
    last = start
    for a, b in sentence_spans(text, start, end):
        assert last <= a < b <= end, "in order, not overlapping, not empty, inside"
        assert text[a:b].strip() == text[a:b], "no white space at the edges"
        covered.update(range(a, b))
        last = b
    assert all(i in covered or text[i].isspace() for i in range(start, end)), "no character is lost"


@given(st.one_of(TRICKY, st.text(max_size=200)))
def test_every_character_that_is_not_space_is_in_exactly_one_sentence(text: str) -> None:
    """A lost character is a lost fact: it could be neither found nor quoted."""
    assert_lawful(text, 0, len(text))


@given(TRICKY, st.data())
def test_the_same_holds_for_a_part_of_a_text(text: str, data: st.DataObject) -> None:
    """Blocks are cut within their document, so offsets are the document's and nothing outside is touched."""
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert_lawful(text, start, end)


@given(st.text(max_size=50), st.data())
def test_strip_span_is_str_strip_with_offsets(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    a, b = strip_span(text, start, end)
    assert start <= a <= b <= end
    assert text[a:b] == text[start:end].strip()


@pytest.mark.parametrize(
    "whole",
    [
        "Dr. Ines Moreau and Mr. Okafor met.",
        "We compared several tools, e.g. Grafana, and kept one.",
        "The launch, i.e. The Big One, is in autumn.",
        "J. R. Okafor signed the contract.",
        "The music is by A.R. Rahman and E.H.S. Bailey.",
        "It grew by 3.5 percent to 1.250,00 EUR.",
        "Version 2.10.1 is out.",
        "See fig. 3 and vol. 2 for that.",
        "She works for Acme Inc. Since then nobody asked.",
        "He waited … and then he left.",
        "Did it work? asked nobody.",
        "The deadline is Oct. 3 at noon.",
    ],
)
def test_a_full_stop_that_ends_nothing_does_not_cut(whole: str) -> None:
    """A quote that ends at "Dr." proves nothing."""
    assert sentences(whole) == [whole]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is late. We ship.", ["It is late.", "We ship."]),
        ("Really? Yes! Good.", ["Really?", "Yes!", "Good."]),
        ('She said "yes." Then she left.', ['She said "yes."', "Then she left."]),
        (
            "It is in Washington D.C. The company followed.",
            ["It is in Washington D.C.", "The company followed."],
        ),
        ("(We moved it.) Nobody minded.", ["(We moved it.)", "Nobody minded."]),
        ("The sum is 3.5. It was 4.", ["The sum is 3.5.", "It was 4."]),
        ("It cost 40. Then 50.", ["It cost 40.", "Then 50."]),
        ("Done... Next.", ["Done...", "Next."]),
    ],
)
def test_sentences_end_where_they_end(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_list_items_are_units_of_their_own() -> None:
    """Decisions mostly stand in lists without full stops; the whole list would be too long a quote."""
    text = "Decisions:\n- Launch 3 September\n- Budget 42,000 EUR\n  * only with approval\n1. Dana asks\n2) Ines books"
    assert sentences(text) == [
        "Decisions:",
        "- Launch 3 September",
        "- Budget 42,000 EUR",
        "* only with approval",
        "1. Dana asks",
        "2) Ines books",
    ]


def test_table_rows_and_headings_are_units_of_their_own() -> None:
    """A row quoted together with its neighbour would prove the neighbour's figure as well."""
    text = "# Budget\nAll in EUR.\n| item | sum |\n|---|---|\n| Ads | 12,000 |\n| Fair | 8,500 |\nAfter the table."
    assert sentences(text) == [
        "# Budget",
        "All in EUR.",
        "| item | sum |",
        "|---|---|",
        "| Ads | 12,000 |",
        "| Fair | 8,500 |",
        "After the table.",
    ]


def test_a_hard_wrapped_mail_paragraph_keeps_its_sentences_whole() -> None:
    """Mail is wrapped at 72 columns; a sentence cut at each line end could not be quoted whole."""
    text = "Hi Dana,\n\nwe decided to move the launch\nto 3 September. The supplier\nneeds more time.\n\nBest,\nInes"
    assert "we decided to move the launch\nto 3 September." in sentences(text)
    assert "The supplier\nneeds more time." in sentences(text)


def test_header_lines_and_speaker_turns_are_units_of_their_own() -> None:
    text = "From: Dana\nSubject: Launch\n\nInes Moreau: We ship in Q3.\nTom: Agreed."
    assert sentences(text) == [
        "From: Dana",
        "Subject: Launch",
        "Ines Moreau: We ship in Q3.",
        "Tom: Agreed.",
    ]


def test_paragraphs_are_never_joined() -> None:
    assert sentences("no full stop here\n\nand none there") == ["no full stop here", "and none there"]


@pytest.mark.parametrize(
    "unit",
    ["A", ".", "[", "A ", ". ", "A. ", "1", "1. ", '."', "\n", "\n ", "\n1.", "\nA.", "\nA. A. A.", "\t", "|", "\n|",
     "\"')", " :", "\nAb cd ef gh", "\u3000"],
)  # fmt: skip
def test_hostile_text_is_cut_in_time_proportional_to_its_length(unit: str) -> None:
    """A single crafted mail must not hang an ingest. 30 kB take milliseconds; 5 s allows for any machine."""
    assert_quick((unit * 30_000)[:30_000])


def test_a_million_list_numbers_on_one_line_are_cut_in_time_too() -> None:
    """Looking back for the beginning of the line at each full stop would cost the line's length every time."""
    assert_quick(("1. " * 400_000)[:1_000_000])


def assert_quick(text: str) -> None:
    started = time.process_time()
    spans = sentence_spans(text)
    assert time.process_time() - started < 5
    assert len(spans) <= len(text)
