"""Reports go to colleagues: what stands in documents, questions or names must not act in a browser or break a table."""

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_eval import GIVEN, REFUSED, result, unanswerable, wrong

from kb.evaluation.compare import compare, read_run
from kb.evaluation.report import Run, check_format, write_report
from kb.evaluation.report_html import html_report
from kb.evaluation.report_markdown import markdown_report
from kb.evaluation.results import Result
from kb.evaluation.run import About
from kb.evaluation.table import failed_lines, flip_lines
from retrieval.errors import UsageError

ABOUT = About("digest", documents=2, chunks=7, embedder="minilm", model="qwen", version="0.1.0")
HOSTILE = "<script>alert(1)</script> | \"'> <img src=x onerror=alert(2)> [link](javascript:x) ``` \x1b[31m\u202e &amp;"


def run(*results: Result, model: str | None = "qwen", asked: int | None = None) -> Run:
    about = replace(ABOUT, model=model)
    return Run(about, "my questions.jsonl", "2026-01-02T03:04:05+00:00", asked or len(results), results)


def hostile() -> Run:
    bad = replace(
        result("x", replace(wrong(), text=HOSTILE)), id=HOSTILE, question=HOSTILE, answers=(HOSTILE,)
    )
    return replace(run(bad, result("y")), file=HOSTILE)


class Elements(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        self.attributes.update(name for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


def test_a_page_holds_no_script_and_nothing_from_elsewhere() -> None:
    page = Elements()
    page.feed(html_report(hostile(), None))
    assert not page.names & {"script", "img", "iframe", "link", "a", "object", "form"}
    assert not [name for name in page.attributes if name.startswith("on") or name in ("href", "src")]
    assert "<script>alert(1)</script>" in page.text  # it is shown as what it is
    assert "\x1b" not in page.text and "\u202e" not in page.text


@settings(max_examples=40)
@given(st.text(max_size=40))
def test_any_answer_leaves_the_pages_elements_and_the_tables_cells_as_they_are(text: str) -> None:
    plain, other = result("a"), result("a", replace(GIVEN, text=text))
    pages = [Elements(), Elements()]
    for page, shown in zip(pages, (plain, other), strict=True):
        page.feed(html_report(run(shown), None))
    assert pages[0].names == pages[1].names
    rows = [
        [line.replace("\\|", "").count("|") for line in markdown_report(run(shown), None).splitlines()]
        for shown in (plain, other)
    ]
    assert rows[0] == rows[1]


def test_a_report_shows_figures_plots_and_every_question() -> None:
    shown = run(
        result("a"), result("b", wrong()), result("c", unanswerable(REFUSED), answerable=False), result("d", REFUSED)
    )  # fmt: skip
    page = Elements()
    page.feed(html_report(shown, None))
    assert {"svg", "polyline", "table"} <= page.names
    for text in (page.text, markdown_report(shown, None)):
        assert all(f"question {name}?" in text for name in "abcd")
        assert "4 questions of my questions.jsonl" in text
        assert "refused, though the documents say" in text and "risk" in text


def test_a_report_beside_an_earlier_run_says_what_flipped() -> None:
    now = run(result("a"), result("b", wrong()))
    comparison = compare(now.results, [result("a", wrong()), result("b")])
    for text in (html_report(now, comparison), markdown_report(now, comparison)):
        assert "2 of 2 questions flipped: this may well be chance" in text


def test_a_run_of_retrieval_only_and_one_of_nothing_known_have_reports() -> None:
    found = run(result("a", None), result("b", None, rank=None), model=None)
    assert "retrieval only" in html_report(found, None) and "not among ten" in markdown_report(found, None)
    bare = run(Result("a", "q?", (), None, None, unanswerable(GIVEN)))
    assert html_report(bare, None) and markdown_report(bare, None)


def test_a_json_report_is_what_a_later_run_is_held_against(tmp_path: Path) -> None:
    file = tmp_path / "before.json"
    write_report(file, hostile(), None)
    assert read_run(file) == list(hostile().results)
    kept = json.loads(file.read_text("utf-8"))
    assert kept.keys() == {"about", "complete", "summary", "outcomes", "risk_coverage", "questions"}
    assert kept["complete"] is True and kept["about"]["model"] == "qwen"


def test_a_report_that_cannot_be_written_is_told_before_the_questions_are_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"\.html, \.md, \.json"):
        check_format(tmp_path / "report.pdf")
    with pytest.raises(UsageError, match="no such folder"):
        check_format(tmp_path / "none" / "report.md")
    check_format(tmp_path / "REPORT.HTML")


def test_what_failed_is_named_in_lines_that_fit_a_terminal() -> None:
    results = [replace(result(f"{n}", wrong()), question=HOSTILE * 9) for n in range(7)]
    lines = failed_lines(results, 80)
    assert "not well: 7" in lines and lines[-1].endswith("and 2 more: --report FILE has all")
    assert all("\n" not in line and "\x1b" not in line for line in lines)
    assert max(map(len, lines)) <= 80
    assert failed_lines([result("a")], 80) == []
    assert flip_lines(compare([], []), 80) == ["", "none of 0 questions flipped"]
