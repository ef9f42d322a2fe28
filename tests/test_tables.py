"""What a row of a table says: the wrong year's figure is a wrong answer with a right citation."""

import time

import pytest

from retrieval.tables import cells, is_data, named, names_periods, read


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("Rent | 10 | 12", ["Rent", "10", "12"]),
        ("| Rent | | 12 |", ["Rent", "", "12"]),
        ("As of December 31, 2017 2016", ["As of December 31,", "2017", "2016"]),
        ("We moved in 2016.", ["We moved in 2016."]),
        ("It was so in 2017 and 2016", ["It was so in 2017 and 2016"]),
    ],
)
def test_a_row_is_its_cells(line: str, found: list[str]) -> None:
    assert cells(line) == found


@pytest.mark.parametrize(
    "row",
    [
        ["(Dollars in millions)", "2019", "2018"],
        ["February 2, 2019", "February 3, 2018"],
        ["2021", "2020", "2019"],
        ["", "2022", "2021", "2022 vs. 2021"],
        ["Region", "Q1", "Q2", "Total"],
    ],
)
def test_years_and_quarters_name_columns(row: list[str]) -> None:
    assert names_periods(row) and not is_data(row)


@pytest.mark.parametrize(
    "row",
    [
        ["Inventories", "5,622", "5,261"],
        ["Cash and equivalents", "$ 4,466", "$ 4,249"],
        ["Short-term investments", "—", "2,032"],
        ["Margin", "12.5 %", "(2)%"],
        ["Founded in 2016", "12"],
        ["Digits", "1" * 100_000 + "a", "3"],
    ],
)
def test_a_row_of_figures_names_nothing(row: list[str]) -> None:
    """Taken for the head, its figures would stand in front of all that follows: "$ 1,101: 2,032"."""
    assert is_data(row) and not names_periods(row)


@pytest.mark.parametrize(
    ("columns", "row", "told"),
    [
        ("Item | 2024 | 2025", "Rent | 10 | 12", "Item: Rent; 2024: 10; 2025: 12"),
        ("2021 | 2020", "Net income | $ 7,679 | $ 7,175", "Net income; 2021: $ 7,679; 2020: $ 7,175"),
        ("December 31, | 2018 | 2017", "Inventories | 62 | 61", "Inventories; 2018: 62; 2017: 61"),
        (
            "(in millions) | 2019 | 2018",
            "Goodwill | 154 | 153",
            "Goodwill; 2019: 154; 2018: 153 (in millions)",
        ),
        # The change is not given for every row, or in two cells.
        (
            "| 2022 | 2021 | 2022 vs. 2021",
            "Tax rate | 21.6 % | 24.6 %",
            "Tax rate; 2022: 21.6 %; 2021: 24.6 %",
        ),
        ("| 2022 | 2021 | 2022 vs. 2021", "Costs | 41 | 33 | 8 | 24", "Costs; 2022: 41; 2021: 33; 8; 24"),
        # An amount and a rate under each year: which is which can't be told.
        ("| 2022 | 2021", "Tax | 1,054 | 21.0 % | 1,057 | 21.0 %", None),
        ("Name | Qty | Price | Note", "Desk | 3 | 120", "Name: Desk; Qty: 3; Price: 120"),
        ("Item | Price | Note", "Desk | £120 | wood | metal", "Item: Desk; Price: £120; Note: wood; metal"),
        ("In millions | 2022 | 2021", "3,502 | 3,017 | 16", None),
        ("Rank | Name | Year", "1 | Ayrton Senna | 1988", "Rank: 1; Name: Ayrton Senna; Year: 1988"),
    ],
)
def test_a_row_has_the_names_of_its_columns_or_none(columns: str, row: str, told: str | None) -> None:
    assert named(cells(columns), cells(row)) == told


@pytest.mark.parametrize(
    "line", ["1" * 100_000 + "a", "2016 " * 50_000, "a | " * 50_000, "(" * 100_000, "$" * 100_000]
)
def test_a_hostile_line_is_read_at_once(line: str) -> None:
    """A row of digits kept an ingest busy for ever. (A limit of a minute, where it takes milliseconds.)"""
    started = time.perf_counter()
    read([line, line], apart=True)
    assert time.perf_counter() - started < 60
