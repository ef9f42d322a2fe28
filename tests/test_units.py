"""What of a passage can stand alone in a prompt."""

from dataclasses import replace

import pytest
from helpers import hit, info
from hypothesis import given
from hypothesis import strategies as st

from generation.units import units


def read(text: str, columns: str = "", **about: object) -> list[str]:
    return [unit.text for unit in units(replace(hit(text, info(**about)), columns=columns))]  # type: ignore[arg-type]


def test_sentences_are_units() -> None:
    assert read("We launch in May. Dana leads it.") == ["We launch in May.", "Dana leads it."]


def test_a_heading_goes_with_the_sentence_after_it() -> None:
    """Alone it would be chosen for the question's words and say nothing."""
    assert read("## Budget\n\nIt is 42,000 EUR. It holds until June.") == [
        "## Budget\n\nIt is 42,000 EUR.",
        "It holds until June.",
    ]


@pytest.mark.parametrize(
    "table",
    [
        "Item | 2024 | 2025\nRent | 10 | 12\nFood | | 7",
        "| Item | 2024 | 2025 |\n|------|-----:|-----:|\n| Rent | 10 | 12 |\n| Food | | 7 |",
    ],
)
def test_a_row_says_what_its_cells_are(table: str) -> None:
    """Small models lose count of columns: the wrong year's figure is a wrong answer with a right citation."""
    assert read(f"{table}\n\nAll in thousands of euros.") == [
        "Item: Rent; 2024: 10; 2025: 12",
        "Item: Food; 2025: 7",
        "All in thousands of euros.",
    ]


def test_a_table_that_goes_on_from_the_chunk_before_keeps_its_columns() -> None:
    """Else the first of its rows would be taken for their names: "Elio: Hattie; Sales: Quality"."""
    rows = "| Elio | Sales | Orders |\n| Hattie | Quality | CE marking |"
    assert read(rows, columns="| Name | Role | Ask about |") == [
        "Name: Elio; Role: Sales; Ask about: Orders",
        "Name: Hattie; Role: Quality; Ask about: CE marking",
    ]


def test_a_statement_is_read_with_its_years() -> None:
    """Without a head of its own its first row was taken for one: "$ 1,101: 2,032"."""
    text = "2019 | 2018\nCurrent assets\nCash | $ 1,980 | $ 1,101\nOther assets\n\nLoans | — | 2,032\nOil | 7 | 8"
    assert read(text, kind="pdf") == [
        "Current assets\nCash; 2019: $ 1,980; 2018: $ 1,101",
        "Other assets\n\nLoans; 2019: —; 2018: 2,032",
        "Oil; 2019: 7; 2018: 8",
    ]
    assert read("Cash | $ 1,980 | $ 1,101\nLoans | 3 | 4", kind="pdf") == [
        "Cash | $ 1,980 | $ 1,101",
        "Loans | 3 | 4",
    ]


def test_a_row_of_dates_names_no_columns() -> None:
    """Each of them would be lost, and the next one get its dates for names."""
    table = "| Name | Born | Died |\n|---|---|---|\n| Senna | 21 March 1960 | 1 May 1994 |\n| Max | 1997 | alive |"
    for kind in ("wiki", "pdf"):
        assert read(table, kind=kind) == [
            "Name: Senna; Born: 21 March 1960; Died: 1 May 1994",
            "Name: Max; Born: 1997; Died: alive",
        ]


def test_another_table_on_the_page_has_columns_of_its_own() -> None:
    text = "(in millions) | 2019 | 2018\nCash | 5 | 6\nBy segment\nSegment | Europe | Asia\nSales | 10 | 12"
    assert read(text, kind="pdf") == [
        "Cash; 2019: 5; 2018: 6 (in millions)",
        "Segment: Sales; Europe: 10; Asia: 12",
    ]


def test_a_head_of_figures_is_known_by_the_rule_below_it() -> None:
    assert read("| Feature | 1.0 | 2.0 |\n|---|---|---|\n| Search | no | yes |") == [
        "Feature: Search; 1.0: no; 2.0: yes"
    ]


def test_two_columns_are_a_name_and_its_value() -> None:
    assert read("Item | Value\nPrice without VAT | £1,240") == ["Item | Value", "Price without VAT | £1,240"]


def test_what_the_source_line_says_already_is_left_out_of_mail() -> None:
    text = "Subject: Launch\nFrom: Dana <d@x.org>\nTo: Ines <i@x.org>\nDate: Friday, 2 May 2025\n\nWe launch in May."
    assert read(text, kind="mail") == ["To: Ines <i@x.org>", "We launch in May."]


def test_a_heading_at_the_end_is_not_lost() -> None:
    assert read("We launch in May.\n\n## Next") == ["We launch in May.", "## Next"]


@given(st.text(alphabet="ab |.\n#-:1", max_size=80))
def test_units_are_spans_in_order(text: str) -> None:
    """A unit that lies elsewhere than it says would put a wrong quote under an answer."""
    passage = hit(text)
    at = 0
    for unit in units(passage):
        assert at <= unit.start < unit.end <= len(text)
        at = unit.end
