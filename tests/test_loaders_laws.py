"""Whatever a file contains: its text is clean, and its blocks hold all of it, in order, without overlap."""

from email.message import EmailMessage

from hypothesis import given, settings
from hypothesis import strategies as st
from loading import assert_lawful

from ingest.document import Document
from ingest.loaders import reader_for, understood
from ingest.loaders.html import html_to_text
from ingest.loaders.pdf_words import Words
from ingest.loaders.plain import decode_anyway
from retrieval.errors import LoadError
from retrieval.text import clean

MARKDOWN = st.lists(
    st.sampled_from(
        ["# ", "## ", "---\n", "===\n", "- ", "1. ", "> ", "    ", "\t", "```\n", "~~~", "| a | b |\n",
         "|---|---|\n", "<div>\n", "<!-- ", "-->", "[a]: b\n", "\n", "\n\n", "word ", "*", "`", "\\",
         "title: x\n", "\u2028", "\r", "\x0b", "\u00a0", "é"]
    ),
    max_size=40,
).map("".join)  # fmt: skip
MAIL = st.lists(
    st.sampled_from(
        ["> ", ">> ", ">", "-- \n", "--\n", "On Mon, Ada <a@b.c> wrote:\n", "Am 1.2.2024 schrieb Ada:\n",
         "\n", "\n\n", "words ", "From: x\n", "-----Original Message-----\n", " ", "\t", "\u2028", "é",
         "wrote:", "<a@b.c>:\n"]
    ),
    max_size=40,
).map("".join)  # fmt: skip
HTML = st.lists(
    st.sampled_from(
        ["<p>", "</p>", "<br>", "<ul>", "</ul>", "<ol start=3>", "<li>", "<table>", "<tr>", "<td>", "<th>",
         "</table>", "<h1>", "</h1>", "<h3>", "<pre>", "</pre>", "<blockquote>", "</blockquote>",
         "<div hidden>", "</div>", "<nav>", "</nav>", "<script>", "</script>", "<b>", "<!--", "-->",
         "&amp;", "&#x202e;", "&#0;", "&nbsp;", "text ", "\n", " ", "<main>", "<![CDATA["]
    ),
    max_size=40,
).map("".join)  # fmt: skip


def check(name: str, data: bytes) -> None:
    reader = reader_for(name)
    assert reader is not None
    try:
        with understood():  # as every file is read: parsers raise what they like
            items = list(reader(data, name, name))
    except LoadError:
        return  # said to be unreadable; the laws hold for what is read
    for item in items:
        assert isinstance(item, Document)
        assert_lawful(item)


@settings(max_examples=200)
@given(MARKDOWN | st.text())
def test_any_markdown(source: str) -> None:
    check("page.md", source.encode("utf-8", "surrogatepass"))
    check("page.txt", source.encode("utf-8", "surrogatepass"))


@settings(max_examples=200)
@given(HTML | st.text())
def test_any_html(source: str) -> None:
    check("page.html", source.encode("utf-8", "surrogatepass"))


@settings(max_examples=200)
@given(MAIL | st.text(), MAIL, st.booleans())
def test_any_mail_body(body: str, subject: str, html: bool) -> None:
    message = EmailMessage()
    message["From"] = "a@example.org"
    message.set_content(body.encode("utf-8", "replace").decode(), subtype="html" if html else "plain")
    check("mail.eml", b"Subject: " + clean(subject).replace("\n", " ").encode() + b"\n" + bytes(message))


@settings(max_examples=200)
@given(st.binary(max_size=400) | st.text().map(str.encode))
def test_any_bytes_as_any_file(data: bytes) -> None:
    for name in (
        "a.md",
        "a.txt",
        "a.html",
        "a.eml",
        "a.emlx",
        "a.msg",
        "a.ics",
        "a.csv",
        "a.pdf",
        "a.docx",
        "a.xlsx",
        "a.rst",
        "a.adoc",
        "a.ods",
        "a.mbox",
    ):
        check(name, data)


@settings(max_examples=100)
@given(HTML)
def test_nothing_that_is_written_as_code_is_read_as_text(source: str) -> None:
    markup = f"<p>before</p><script>secret{source.replace('</script>', '')}</script>{source}"
    assert "secret" not in html_to_text(markup)[0]
    mail = html_to_text(markup, mail=True)[0]
    assert mail.startswith("before") and "secret" not in mail


@given(
    st.binary(max_size=200),
    st.none() | st.text(max_size=20) | st.sampled_from(["idna", "punycode", "utf-7", "hex", "rot13"]),
)
def test_any_declared_charset_is_harmless(data: bytes, declared: str | None) -> None:
    assert isinstance(decode_anyway(data, declared), str)


@given(
    st.lists(st.text(alphabet="ab -\ufffe", min_size=1, max_size=8).map(str.strip).filter(bool), max_size=6)
)
def test_joining_lines_loses_no_letter(lines: list[str]) -> None:
    joined = Words([]).joined(lines)
    assert [c for c in joined if c in "ab"] == [c for line in lines for c in line if c in "ab"]
    assert "\ufffe" not in joined
