"""Chunks: nothing of a document is lost, nothing is longer than the model reads, and structure is kept."""

import random
import time
from dataclasses import replace

import pytest
from chunking import WINDOW, assert_lawful, cut, tokenizer, tokens
from helpers import hit, info
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from generation.units import units
from ingest.chunker import HEADER_TOKENS, TARGET_TOKENS, Chunker, embedded_texts
from ingest.document import Block, BlockKind, Document, dump_layout, load_layout
from retrieval.types import DocumentInfo


def document(
    *pieces: tuple[str, BlockKind, tuple[str, ...], int | None],
    about: DocumentInfo | None = None,
    gap: str = "\n\n",
) -> Document:
    """A document of blocks: (text, kind, heading, page)."""
    text, blocks = "", []
    for piece, kind, heading, page in pieces:
        blocks.append(Block(len(text), len(text) + len(piece), kind, heading, page))
        text += piece + gap
    return Document(about or info(), text, tuple(blocks))


words = st.lists(
    st.sampled_from(
        "the launch of Q3 . ! moved to 42,000 EUR 1. supplier's naïve 東京都 antidisestablishmentarianism | - * \n \n- "
        "e.g. 🚀👩‍🚀 x_y=z; aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa ا\u0301\u0301".split(" ")
    ),
    min_size=1, max_size=250,
).map(" ".join)  # fmt: skip
piece = st.one_of(
    words, st.text(min_size=1, max_size=300), st.text(alphabet="ab ", min_size=300, max_size=3000)
)
block = st.tuples(
    piece.map(lambda t: t.strip() or "x"),
    st.sampled_from(["heading", "paragraph", "list", "table", "code", "meta", "quote", "signature"]),
    st.sampled_from([(), ("A",), ("A", "B"), ("A", "C"), ("Z" * 400,)]),
    st.sampled_from([None, 1, 2]),
)


@given(
    st.lists(block, max_size=6),
    st.sampled_from(["\n\n", " ", "\n"]),
    st.sampled_from(["Notes", "", "T" * 900]),
)
@settings(max_examples=60)
def test_nothing_is_lost_doubled_or_too_long(
    pieces: list[tuple[str, BlockKind, tuple[str, ...], int | None]], gap: str, title: str
) -> None:
    """What no chunk holds can't be found; what lies beyond the model's window is embedded as if it were not there."""
    cut(
        document(
            *pieces, about=info(title=title, kind="mail", author="Dana <d@x.org>", date="2024-09-03"), gap=gap
        )
    )


def test_a_short_document_is_one_chunk_with_its_title() -> None:
    (chunk,) = cut(document(("We moved the launch.", "paragraph", (), None), about=info(title="Launch plan")))
    assert (chunk.start, chunk.end, chunk.header) == (0, 20, "Launch plan")


def test_a_document_without_text_has_no_chunks() -> None:
    assert cut(document()) == []
    assert cut(document(("> old mail", "quote", (), None), ("-- Dana", "signature", (), None))) == []


def test_the_header_says_where_a_chunk_comes_from() -> None:
    """ "It was approved." is found by the question about the budget only through its heading."""
    about = info(
        title="Re: Launch\n date",
        kind="mail",
        author="Dana Okafor <dana@x.org>",
        date="2024-09-03T10:00:00+02:00",
    )
    (chunk,) = cut(document(("It was approved.", "paragraph", ("Budget", "Ads"), None), about=about))
    assert chunk.header == "Re: Launch date | Budget | Ads"
    assert chunk.heading == ("Budget", "Ads")


def test_a_title_that_is_also_the_first_heading_stands_once_in_the_header() -> None:
    (chunk,) = cut(
        document(("Text.", "paragraph", ("Launch plan", "Risks"), None), about=info(title="Launch plan"))
    )
    assert chunk.header == "Launch plan | Risks"


def test_a_message_is_embedded_without_its_header_lines() -> None:
    """Addresses and dates make all messages alike, and the subject is in the header already; they stay in the chunk, so
    that who wrote it and when can be cited."""
    lines = "Subject: Launch date\nFrom: Dana <dana@x.org>\nDate: Tuesday, 3 September 2024"
    doc = document(
        (lines, "meta", (), None), ("We moved it.", "paragraph", (), None),
        about=info(title="Launch date", kind="mail", author="Dana <dana@x.org>", date="2024-09-03"),
    )  # fmt: skip
    (chunk,) = cut(doc)
    assert doc.text[chunk.start : chunk.end].startswith("Subject: Launch date")
    assert embedded_texts([chunk], doc) == ["Launch date\nWe moved it."]
    only_lines = document((lines, "meta", (), None), about=info(title="Launch date", kind="mail"))
    assert embedded_texts(cut(only_lines), only_lines) == [f"Launch date\n{lines}"], "better than nothing"


def test_a_transcript_is_embedded_without_what_is_no_speech() -> None:
    """ "Mm-hmm." and "{vocalsound}" in every line make all passages of all meetings alike."""
    said = "**Dana:** {vocalsound} The launch moves to September .\n\n**Ines:** Mm - hmm .\n\n"
    turns_ = [(line, "paragraph", (), None) for line in (said * 20).strip().split("\n\n")]
    doc = document(*turns_, about=info(title="Council"))  # type: ignore[arg-type]
    chunks = cut(doc)
    assert len(chunks) > 1
    first = embedded_texts(chunks, doc)[0]
    assert "Dana: The launch moves to September ." in first
    assert "hmm" not in first and "vocal" not in first


def test_a_turn_that_goes_on_in_the_next_chunk_keeps_its_speaker() -> None:
    """Else what Dana said after the first page is nobody's."""
    long = "**Dana:** " + " ".join(f"Point {i} is about the launch in autumn." for i in range(60))
    pieces = [
        ("**Ines:** Who knows more about it?", "paragraph", (), None),
        (long, "paragraph", (), None),
    ] * 6
    chunks = cut(document(*pieces, about=info(title="Council")))  # type: ignore[arg-type]
    headers = {chunk.header for chunk in chunks}
    assert headers == {"Council", "Council | Dana"}


def test_an_agenda_stands_alone() -> None:
    """It names what every question is about and answers none: beside the first words of the meeting it would be cited
    for them."""
    chunks = cut(
        document(
            ("# Council", "heading", (), None),
            ("Topics: launch date; budget; the new office", "paragraph", (), None),
            ("We begin with the launch.", "paragraph", (), None),
        )
    )
    assert len(chunks) == 2


def test_an_endless_subject_leaves_room_for_the_text() -> None:
    about = info(title="Re: " * 2000 + "Launch")
    long = "The supplier was late again. " * 60
    chunks = cut(document((long.strip(), "paragraph", (), None), about=about))
    for chunk in chunks:
        assert tokens(chunk.header) <= HEADER_TOKENS + 2
    assert max(tokens(long[c.start : c.end]) for c in chunks) > TARGET_TOKENS * 0.8


def test_pages_are_never_mixed() -> None:
    """A citation that says page 3 must be on page 3."""
    chunks = cut(document(*((f"Short text of page {page}.", "paragraph", (), page) for page in (1, 2, 2, 3))))
    assert [chunk.page for chunk in chunks] == [1, 2, 3]


def test_quotes_in_a_mail_are_left_out_and_never_bridged() -> None:
    """A reply repeats the mail before it: indexed again it would be cited under the wrong name."""
    doc = document(
        ("I agree.", "paragraph", (), None),
        ("> Shall we launch in August?", "quote", (), None),
        ("But in September.", "paragraph", (), None),
        ("-- \nDana", "signature", (), None),
    )
    assert [doc.text[c.start : c.end] for c in cut(doc)] == ["I agree.", "But in September."]


def test_small_sections_share_a_chunk_under_the_heading_they_have_in_common() -> None:
    """A page of many two-line sections would otherwise be chunks of ten words, each without its neighbours."""
    chunks = cut(
        document(
            ("Dana leads sales.", "paragraph", ("People", "Sales"), None),
            ("Ines leads product.", "paragraph", ("People", "Product"), None),
        )
    )
    assert [chunk.heading for chunk in chunks] == [("People",)]


def test_a_grown_section_is_not_mixed_with_the_next() -> None:
    """A chunk about two things is near to neither question."""
    chunks = cut(
        document(
            ("The supplier was late again and again." + " It was late." * 40, "paragraph", ("Risks",), None),
            ("The team meets on Mondays.", "paragraph", ("Meetings",), None),
        )
    )
    assert [chunk.heading for chunk in chunks] == [("Risks",), ("Meetings",)]


def test_paragraphs_of_a_section_are_gathered_up_to_the_target() -> None:
    paragraphs = [
        (f"Paragraph {i} says a little about the launch.", "paragraph", ("Plan",), None) for i in range(60)
    ]
    chunks = cut(document(*paragraphs))
    sizes = [tokens(document(*paragraphs).text[c.start : c.end]) for c in chunks]
    assert all(size > TARGET_TOKENS * 0.8 for size in sizes[:-1]), (
        "few, full chunks: quicker, and better context"
    )


def test_long_paragraphs_are_cut_between_sentences() -> None:
    sentences = [f"Sentence number {i} tells one more thing about the launch." for i in range(100)]
    doc = document((" ".join(sentences), "paragraph", (), None))
    chunks = cut(doc)
    assert len(chunks) > 3
    assert all(doc.text[c.start : c.end].startswith("Sentence") for c in chunks)
    assert all(doc.text[c.start : c.end].endswith("launch.") for c in chunks)


def test_the_rows_of_a_long_table_keep_their_columns() -> None:
    """ "| 117 | 8,500 |" means nothing without "| item | sum in EUR |"."""
    rows = [f"| item {i} | {i * 100} |" for i in range(200)]
    doc = document(
        ("\n".join(["| item | sum in EUR |", *rows]), "table", ("Costs",), None), about=info(title="Budget")
    )
    chunks = cut(doc)
    assert len(chunks) > 5
    assert "sum in EUR" not in chunks[0].header and doc.text[chunks[0].start :].startswith(
        "| item | sum in EUR |"
    )
    for chunk in chunks[1:]:
        assert chunk.header == "Budget | Costs | | item | sum in EUR |"
        assert doc.text[chunk.start : chunk.end].startswith("| item "), "rows are not cut"
        assert doc.text[chunk.end - 1] == "|"


def test_rows_of_a_pdf_keep_the_years_that_stand_over_them_on_their_page() -> None:
    """Reports part a statement by subheadings; below them "62,567 | 61,388" is of no year, or of the wrong one."""
    rows = "\n".join(f"Investment {i} of the company | {i},250 | {i},111" for i in range(1, 21))
    doc = document(
        ("Balance sheet", "heading", ("Balance sheet",), 1),
        ("December 31, | 2018 | 2017", "table", ("Balance sheet",), 1),
        ("Cash and equivalents | $ 7,637 | $ 8,813", "table", ("Balance sheet",), 1),
        ("Long-term assets:", "paragraph", ("Balance sheet",), 1),
        (rows, "table", ("Balance sheet",), 1),
        ("Goodwill | 154 | 153", "table", ("Balance sheet",), 2),
        about=info(kind="pdf", title="Report"),
    )
    chunks = cut(doc)
    first, *others, next_page = chunks
    assert first.columns == "", "it has them itself"
    assert others and {chunk.columns for chunk in others} == {"December 31, | 2018 | 2017"}
    assert next_page.columns == "", "what a page says of its columns says nothing of the next one's"


def test_the_years_of_one_table_are_not_those_of_the_next() -> None:
    """A figure of the wrong year has a right citation."""
    years = "\n".join(
        ["(in millions) | 2018 | 2017", *(f"Item {i} of many | {i},1 | {i},2" for i in range(60))]
    )
    doc = document(
        (years, "table", (), 1), ("Sales by region", "paragraph", (), 1),
        ("Region | Europe | Asia\nSales | 10 | 12", "table", (), 1), about=info(kind="pdf"),
    )  # fmt: skip
    last = cut(doc)[-1]
    assert "Europe" in doc.text[last.start : last.end]
    passage = replace(hit(doc.text[last.start : last.end], doc.info), columns=last.columns)
    assert units(passage)[-1].text == "Region: Sales; Europe: 10; Asia: 12"


def test_a_table_of_a_pdf_that_begins_with_figures_has_no_names_for_its_columns() -> None:
    rows = "\n".join(f"Item {i} | {i},250 | {i},111" for i in range(1, 100))
    report = document((rows, "table", (), 1), about=info(kind="pdf"))
    assert {chunk.columns for chunk in cut(report)} == {""}


@pytest.mark.parametrize("kind", ["paragraph", "table", "code", "list"])
@pytest.mark.parametrize(
    "giant", ["x" * 5000, "データ" * 2000, "0123456789abcdef" * 400, "🚀" * 3000, "e\u0301" * 3000]
)
def test_one_giant_word_is_cut_and_kept(giant: str, kind: BlockKind) -> None:
    """Base64 and languages without spaces: every part of it must still be findable."""
    cut(document((f"Before it. {giant} After it.", kind, (), None)))


def test_a_block_is_never_cut_inside_a_word_that_fits() -> None:
    long = " ".join(f"word{i}" for i in range(2000))
    doc = document((long, "paragraph", (), None))
    for chunk in cut(doc):
        assert all(word.startswith("word") for word in doc.text[chunk.start : chunk.end].split())


def test_the_same_document_is_always_cut_the_same_way() -> None:
    """Otherwise each ingest of an unchanged file would embed it anew and break its refs."""
    rng = random.Random(3)
    pieces = [
        (" ".join(rng.choices("a b c. d! e f\n".split(" "), k=200)).strip(), "paragraph", (), None)
        for _ in range(9)
    ]
    doc = document(*pieces)
    assert cut(doc) == cut(doc)


def test_a_tokenizer_that_truncates_does_not_lose_the_rest() -> None:
    """The embedder's own tokenizer is set to cut at the window; the chunker must see the whole text."""
    cutting = Tokenizer.from_str(tokenizer().to_str())
    cutting.enable_truncation(128)
    cutting.enable_padding(length=128)
    doc = document(("The supplier was late again. " * 100, "paragraph", (), None))
    assert_lawful(doc, Chunker(cutting, WINDOW).chunks(doc))


@pytest.mark.parametrize(
    "text", ["x" * 300_000, "a. " * 100_000, "| a " * 75_000, "\n".join("ab" for _ in range(100_000))]
)
@pytest.mark.parametrize("kind", ["paragraph", "table"])
def test_a_hostile_block_is_cut_in_reasonable_time(text: str, kind: BlockKind) -> None:
    """One crafted file must not hang an ingest: 300 kB take about a second; 30 s allows for any machine."""
    doc = document((text.strip(), kind, (), None))
    started = time.perf_counter()
    chunks = Chunker(tokenizer(), WINDOW).chunks(doc)
    assert time.perf_counter() - started < 30
    assert sum(len(doc.text[c.start : c.end].split()) for c in chunks) >= len(text.split())


layouts = st.lists(
    st.builds(
        Block, st.integers(0, 99), st.integers(0, 99), st.sampled_from(["heading", "table"]),
        st.lists(st.text(max_size=5), max_size=3).map(tuple), st.none() | st.integers(1, 9),
    ), max_size=5,
)  # fmt: skip


@given(layouts)
def test_a_layout_comes_back_from_the_store_as_it_was(blocks: list[Block]) -> None:
    """A re-index cuts from the stored layout; what it forgot would be cut differently."""
    assert load_layout(dump_layout(blocks)) == tuple(blocks)
