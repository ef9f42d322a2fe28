"""Cleaning text: what nobody should ever see on a terminal or in a quote."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from retrieval.text import clean, one_line


@given(st.text())
@example("\r\x0b\n")
@example("\r\ufeff\n")
@example("\x0c\x00\r")
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    """Offsets made on a text that was cleaned on the way in must still hold when it is cleaned again."""
    assert clean(clean(text)) == clean(text)


@given(st.text(alphabet=st.characters(codec=None, categories=["Cs", "Cc", "Cf", "Lu", "Nd", "Zs"])))
def test_clean_text_can_always_be_written_as_utf8(text: str) -> None:
    """A lone surrogate in a file name or a mail would otherwise fail when it is stored or printed."""
    clean(text).encode("utf-8")


@pytest.mark.parametrize(
    ("dirty", "safe"),
    [
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("\x1b]0;owned\x07title", "]0;ownedtitle"),
        ("\x9b2Jcleared", "2Jcleared"),
        ("back\x08space \x7f\x00", "backspace "),
    ],
)
def test_a_document_cannot_drive_the_terminal(dirty: str, safe: str) -> None:
    """An escape sequence in a mail could recolour, retitle or wipe the reader's screen."""
    assert clean(dirty) == safe


def test_a_document_cannot_reorder_what_the_reader_sees() -> None:
    """Bidirectional overrides could show "paid" where the text says the contrary."""
    assert clean("amount \u202e000,1\u202c EUR \u2066x\u2069 \u202ay\u202b") == "amount 000,1 EUR x y"


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r", "\u2028", "\u2029", "\x0b", "\x0c", "\x85"])
def test_every_kind_of_line_end_is_one_newline(newline: str) -> None:
    """Paragraphs of a Windows or old Mac file must be found like any other's."""
    assert clean(f"one{newline}two") == "one\ntwo"


def test_text_in_all_scripts_stays() -> None:
    text = "Größe\tnaïve 東京 пример עברית عربي 👩‍👩‍👧 é e\u0301\n"
    assert clean(text) == text


def test_soft_hyphens_and_byte_order_marks_do_not_hide_words_from_search() -> None:
    assert clean("\ufeffbud\u00adget") == "budget"


@given(st.text())
def test_one_line_is_one_clean_line_without_outer_or_doubled_space(text: str) -> None:
    """Titles and senders are printed in lists and prompts, where a newline would look like another entry."""
    line = one_line(text)
    assert line.splitlines() in ([], [line])
    assert line == " ".join(line.split())
    assert clean(line) == line
