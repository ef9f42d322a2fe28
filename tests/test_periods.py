"""What a question says about when: else last week's decision loses to one of two years ago."""

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.periods import Period, asks_latest, periods

TODAY = date(2025, 4, 16)  # a Wednesday


def read(question: str, today: date = TODAY) -> list[str]:
    """The periods of a question as "start..end"."""
    return [f"{period.start or ''}..{period.end or ''}" for period in periods(question, today)]


@pytest.mark.parametrize(
    ("question", "period"),
    [
        ("What did we decide on 3 May 2024?", "2024-05-03..2024-05-04"),
        ("the minutes of May 3rd, 2024", "2024-05-03..2024-05-04"),
        ("the minutes of the 3rd of May 2024", "2024-05-03..2024-05-04"),
        ("notes of 2024-05-03", "2024-05-03..2024-05-04"),
        ("notes of 2024/05/03", "2024-05-03..2024-05-04"),
        ("notes of 3.5.2024", "2024-05-03..2024-05-04"),
        ("notes of 05/13/2024", "2024-05-13..2024-05-14"),
        ("notes of 5/13/24", "2024-05-13..2024-05-14"),
        ("notes of 13/05/2024", "2024-05-13..2024-05-14"),
        ("notes of 05/05/2024", "2024-05-05..2024-05-06"),
        ("Who wrote to us on May 3?", "2024-05-03..2024-05-04"),
        ("who wrote to us on may 3", "2024-05-03..2024-05-04"),
        ("Who wrote to us on April 16?", "2025-04-16..2025-04-17"),
        ("Who wrote to us on 17 April?", "2024-04-17..2024-04-18"),
        ("Who was born on 29 February?", "2024-02-29..2024-03-01"),
        ("What is in the May 3-7, 2024 diary?", "2024-05-03..2024-05-08"),
        ("Amcor's 8k dated on July 1st 2022", "2022-07-01..2022-07-02"),
        ("It was feb 6 & 7, 2002.", "2002-02-06..2002-02-08"),
        ("Was war am 3. Mai 2024?", "2024-05-03..2024-05-04"),
        ("What happened on Sept. 9th last year?", "2024-09-09..2024-09-10"),
        ("as of 31 December 2023", "2023-12-31..2024-01-01"),
    ],
)
def test_days(question: str, period: str) -> None:
    assert read(question) == [period]


@pytest.mark.parametrize(
    ("question", "period"),
    [
        ("What was decided in March 2024?", "2024-03-01..2024-04-01"),
        ("what was decided in march 2024?", "2024-03-01..2024-04-01"),
        ("What was decided in March?", "2025-03-01..2025-04-01"),
        ("what was decided in march?", "2025-03-01..2025-04-01"),
        ("what did we sell in may", "2024-05-01..2024-06-01"),
        ("the March invoice", "2025-03-01..2025-04-01"),
        ("Dana's May report", "2024-05-01..2024-06-01"),
        ("October revenue?", "2024-10-01..2024-11-01"),
        ("Who left in April?", "2025-04-01..2025-05-01"),
        ("the mid-March review", "2025-03-01..2025-04-01"),
        ("Who left last March?", "2025-03-01..2025-04-01"),
        ("Who left last April?", "2024-04-01..2024-05-01"),
        ("the offsite of next May", "2025-05-01..2025-06-01"),
        ("What was the price in March of last year?", "2024-03-01..2024-04-01"),
        ("the 2024-05 invoice", "2024-05-01..2024-06-01"),
        ("the invoice 05/2024", "2024-05-01..2024-06-01"),
        ("the invoice of Aug '24", "2024-08-01..2024-09-01"),
        ("Umsatz im März 2024", "2024-03-01..2024-04-01"),
    ],
)
def test_months(question: str, period: str) -> None:
    assert read(question) == [period]


@pytest.mark.parametrize(
    ("question", "period"),
    [
        ("What was revenue in Q3?", "2024-07-01..2024-10-01"),
        ("What was revenue in Q2?", "2025-04-01..2025-07-01"),
        ("Q3 2024", "2024-07-01..2024-10-01"),
        ("2024 Q3", "2024-07-01..2024-10-01"),
        ("2024Q3", "2024-07-01..2024-10-01"),
        ("the 2024Q3_10Q filing of 2024-Q3", None),
        ("3Q24", "2024-07-01..2024-10-01"),
        ("3Q 2024", "2024-07-01..2024-10-01"),
        ("As of Q3'2024, is Pfizer spinning off a segment?", "2024-07-01..2024-10-01"),
        ("Q3'24", "2024-07-01..2024-10-01"),
        ("Q3 FY2024", "2024-07-01..2024-10-01"),
        ("Q3 of FY24", "2024-07-01..2024-10-01"),
        ("FY24 Q3", "2024-07-01..2024-10-01"),
        ("the third quarter of 2024", "2024-07-01..2024-10-01"),
        ("the 3rd quarter of fiscal year 2024", "2024-07-01..2024-10-01"),
        ("third-quarter revenue", "2024-07-01..2024-10-01"),
        ("the last quarter of 2023", "2023-10-01..2024-01-01"),
        ("last year's Q3", "2024-07-01..2024-10-01"),
        ("sales of last quarter", "2025-01-01..2025-04-01"),
        ("sales in the last quarter", "2025-01-01..2025-04-01"),
        ("sales of this quarter", "2025-04-01..2025-07-01"),
        ("H1 2024", "2024-01-01..2024-07-01"),
        ("2H24", "2024-07-01..2025-01-01"),
        ("the first half of 2024", "2024-01-01..2024-07-01"),
        ("the second half of last year", "2024-07-01..2025-01-01"),
    ],
)
def test_quarters_and_halves(question: str, period: str | None) -> None:
    assert read(question) == [period or "2024-07-01..2024-10-01"]


@pytest.mark.parametrize(
    ("question", "year"),
    [
        ("How many joined in 2022?", 2022),
        ("the AMD 2022 10-K", 2022),
        ("What was capex in FY2018?", 2018),
        ("What was capex in FY 18?", 2018),
        ("What was capex in FY'18?", 2018),
        ("What was capex in fiscal 2018?", 2018),
        ("What was capex in the fiscal year 2018?", 2018),
        ("Apple 2022 sales", 2022),
        ("the 2022 results", 2022),
        ("Budget 2022.xlsx", 2022),
        ("What was planned in mid-2022?", 2022),
        ("What was planned in late 2022?", 2022),
        ("Who moved here in 2000?", 2000),
        ("3M's 2022 (restated) revenue", 2022),
        ("What did we sell last year?", 2024),
        ("What do we sell this year?", 2025),
        ("What did we sell a year ago?", 2024),
        ("the plan for next year", 2026),
        ("the last fiscal year", None),
    ],
)
def test_years(question: str, year: int | None) -> None:
    expected = f"{year}-01-01..{year + 1}-01-01" if year else "2024-04-16..2025-04-17"
    assert read(question) == [expected]


@pytest.mark.parametrize(
    ("question", "period"),
    [
        ("What came in today?", "2025-04-16..2025-04-17"),
        ("What came in yesterday?", "2025-04-15..2025-04-16"),
        ("What came in the day before yesterday?", "2025-04-14..2025-04-15"),
        ("What came in last week?", "2025-04-07..2025-04-14"),
        ("What came in this week?", "2025-04-14..2025-04-21"),
        ("What came in this month?", "2025-04-01..2025-05-01"),
        ("What came in last month?", "2025-03-01..2025-04-01"),
        ("What came in over the past two weeks?", "2025-04-02..2025-04-17"),
        ("What came in in the last 3 days?", "2025-04-13..2025-04-17"),
        ("What came in during the last month?", "2025-03-16..2025-04-17"),
        ("What came in over the last couple of weeks?", "2025-03-26..2025-04-17"),
        ("What came in two weeks ago?", "2025-03-31..2025-04-07"),
        ("What came in 3 days ago?", "2025-04-13..2025-04-14"),
        ("What came in a few days ago?", "2025-04-10..2025-04-15"),
        ("What came in last Monday?", "2025-04-14..2025-04-15"),
        ("What came in last Wednesday?", "2025-04-09..2025-04-10"),
        ("What is due next Monday?", "2025-04-21..2025-04-22"),
        ("What came in the week of 6 May 2024?", "2024-05-06..2024-05-13"),
        ("What came in the week of May 8th, 2024?", "2024-05-06..2024-05-13"),
        ("What came in over the last 24 hours?", "2025-04-15..2025-04-17"),
        ("What came in since the start of the month?", "2025-04-01.."),
        ("What is due by the end of the year?", "..2026-01-01"),
        ("sales year to date", "2025-01-01..2025-04-17"),
    ],
)
def test_times_seen_from_today(question: str, period: str) -> None:
    assert read(question) == [period]


@pytest.mark.parametrize(
    ("question", "period"),
    [
        ("What happened between March and May 2024?", "2024-03-01..2024-06-01"),
        ("what happened between march and may 2024?", "2024-03-01..2024-06-01"),
        ("What happened between November and February 2024?", "2023-11-01..2024-03-01"),
        ("What happened from November to February?", "2024-11-01..2025-03-01"),
        ("What happened from 3 May to 7 May 2024?", "2024-05-03..2024-05-08"),
        ("What happened from 3 to 7 May 2024?", "2024-05-03..2024-05-08"),
        ("What happened from 3 May 2024 until yesterday?", "2024-05-03..2025-04-16"),
        ("sales 2019 to 2021", "2019-01-01..2022-01-01"),
        ("sales 2019-2021", "2019-01-01..2022-01-01"),
        ("sales 2019–21", "2019-01-01..2022-01-01"),
        ("sales FY2019 - FY2021", "2019-01-01..2022-01-01"),
        ("growth between FY2021 and FY2022", "2021-01-01..2023-01-01"),
        ("growth from 2000 to 2010", "2000-01-01..2011-01-01"),
        ("Q1-Q3 2023", "2023-01-01..2023-10-01"),
        ("from the beginning of March to the end of May 2024", "2024-03-01..2024-06-01"),
        ("changes since April", "2025-04-01.."),
        ("changes since last Monday", "2025-04-14.."),
        ("changes from 3 May 2024 onwards", "2024-05-03.."),
        ("changes after the Q2 review", "2024-07-01.."),
        ("changes after March", "2025-04-01.."),
        ("changes after 3 May 2024", "2024-05-04.."),
        ("changes since the end of March", "2025-03-31.."),
        ("changes before June 2024", "..2024-06-01"),
        ("changes prior to mid-2022", "..2022-01-01"),
        ("changes until 3 May 2024", "..2024-05-04"),
        ("What is to be done by March?", "..2025-04-01"),
        ("What is to be done by the end of March?", "..2025-04-01"),
        ("What is to be done before the end of March?", "..2025-03-31"),
        ("What is to be done by mid March?", "..2025-04-01"),
        ("What is to be done by the middle of March?", "..2025-04-01"),
        ("the day before 3 May 2024", "2024-05-03..2024-05-04"),
        ("from 2022 to 2019", None),
    ],
)
def test_ranges(question: str, period: str | None) -> None:
    assert read(question) == ([period] if period else ["2022-01-01..2023-01-01", "2019-01-01..2020-01-01"])


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("How did 2022 compare to 2021?", ["2022-01-01..2023-01-01", "2021-01-01..2022-01-01"]),
        ("Compare Q1 and Q2 2023", ["2023-01-01..2023-04-01", "2023-04-01..2023-07-01"]),
        (
            "Compare Q1, Q2 and Q3 of 2023",
            ["2023-01-01..2023-04-01", "2023-04-01..2023-07-01", "2023-07-01..2023-10-01"],
        ),
        ("Compare Q3 2023 and Q4", ["2023-07-01..2023-10-01", "2023-10-01..2024-01-01"]),
        ("Compare the March and April reports", ["2025-03-01..2025-04-01", "2025-04-01..2025-05-01"]),
        ("Compare H1 and H2 2023", ["2023-01-01..2023-07-01", "2023-07-01..2024-01-01"]),
        ("Compare march and may 2023", ["2023-03-01..2023-04-01", "2023-05-01..2023-06-01"]),
    ],
)
def test_several_times(question: str, expected: list[str]) -> None:
    assert read(question) == expected


@pytest.mark.parametrize(
    "question",
    [
        "",
        "What may happen to the launch?",
        "What may 3 people do?",
        "May 3 people share a licence?",
        "May I march through the office?",
        "Room 12 May be free, and 3 may not.",
        "Who is the employee of the month?",
        "This may be late, and the next may be too.",
        "Where are the march orders?",
        "an august gathering",
        "What did June Carter and April say?",
        "a mail from June Carter",
        "Theresa May's plan",
        "What did Jan write about the dec format?",
        "What is in the second half of the page?",
        "What is in the first half?",
        "the first quarter of the course",
        "the last week of the course",
        "What is under the H1 heading?",
        "What was the last decision?",
        "What is the last day to register?",
        "Who are the 2000 users?",
        "How do we serve 2000 users?",
        "May 2000 users log in?",
        "a buffer of 2048 bytes",
        "the party in room 2022",
        "What does PEP 2015 say?",
        "the bug in version 2022",
        "NFS on port 2049",
        "It costs $2020.",
        "It costs 2020 €.",
        "It costs €2020 or 2020 euros, 2020.50 at most.",
        "Which invoice is INV-2022-17 or CVE-2021-44228?",
        "Who has the number 555-2022?",
        "https://example.com/2022/05/03/post",
        "report_2022",
        "the notes of 05/03/2024",
        "31/31/2024",
        "the 1990s",
        "from one to ten",
        "How many days a week may we work from home?",
        "What is our revenue as of today?",
        "Is 3.2022 larger than pi?",
        "the 10-K and the 10-Q",
    ],
)
def test_what_is_no_time(question: str) -> None:
    assert read(question) == []


def test_a_day_that_does_not_exist_leaves_its_month() -> None:
    assert read("on 31 February 2024") == ["2024-02-01..2024-03-01"]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What was decided in March 2024?", "March 2024"),
        ("Changes since the end of March?", "since the end of March"),
        ("What came in between March and May 2024?", "between March and May 2024"),
        ("Nobody comes until May 11.", "until May 11"),
        ("In the week of 6 May 2024", "week of 6 May 2024"),
    ],
)
def test_the_text_is_what_was_read(question: str, text: str) -> None:
    assert [period.text for period in periods(question, TODAY)] == [text]


@pytest.mark.parametrize(
    "question",
    [
        "What is the latest price?",
        "What is the current plan?",
        "Who leads the team now?",
        "the most recent filing",
        "the newest version",
        "What is our headcount as of today?",
        "Is the shop still open?",
        "What was the last decision about Wren?",
        "What was the last board meeting about?",
        "What is our up-to-date address?",
        "Has it been approved yet?",
    ],
)
def test_asking_for_the_latest(question: str) -> None:
    assert asks_latest(question)


@pytest.mark.parametrize(
    "question",
    [
        "",
        "What is the FY2022 current ratio?",
        "total current assets and non-current liabilities",
        "How large is the electric current of 5 A?",
        "Who knows Dana?",
        "What did we sell last year?",
        "What did the last quarter report say?",
        "How long does the battery last?",
        "What is her last name?",
        "concurrent changes",
        "Are there any more details?",
    ],
)
def test_not_asking_for_the_latest(question: str) -> None:
    assert not asks_latest(question)


# The words that the patterns look at, so that hypothesis meets them together.
WORDS = st.sampled_from(
    "since before by between and from to - , 12/ 7- the end of last next past two a few 3 31 2024 2000 FY18 Q3 H1 May "
    "march feb 29 quarter half week month years ago yesterday Monday first 999 2024-02-30 ’s on onwards ı İ ſ".split()
)
DATES = st.dates()


@given(st.one_of(st.text(max_size=80), st.lists(WORDS, max_size=12).map(" ".join)), DATES)
def test_whatever_is_asked_the_periods_are_lawful(question: str, today: date) -> None:
    place = 0
    for period in periods(question, today):
        assert period.start or period.end
        assert period.start is None or period.end is None or period.start < period.end
        place = question.index(period.text, place) + len(period.text)
        assert period.text
    asks_latest(question)


@pytest.mark.parametrize(
    "unit", ["2024 ", "Q1, ", "the last ", "from 3 May to ", "since the ", " ", "1", "a few of "]
)
def test_a_long_question_is_read_in_linear_time(unit: str) -> None:
    question = unit * (100_000 // len(unit))
    begin = time.perf_counter()
    periods(question, TODAY)
    asks_latest(question)
    assert time.perf_counter() - begin < 5, (
        "seconds; far less, unless a pattern looks at everything again and again"
    )


def test_a_period_is_a_value() -> None:
    assert periods("in 2022", TODAY) == [Period(date(2022, 1, 1), date(2023, 1, 1), "2022")]
