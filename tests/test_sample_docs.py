"""The sample documents are the first thing a new user tries: they must be complete, consistent and reproducible."""

import email
import json
import mailbox
import re
import subprocess
import sys
from email.message import EmailMessage
from email.policy import default
from io import BytesIO
from pathlib import Path

import pypdf
import pytest
import yaml
from bs4 import BeautifulSoup

SAMPLES = Path(__file__).parents[1] / "sample_docs"
QUESTIONS = [json.loads(line) for line in (SAMPLES / "questions.jsonl").read_text("utf-8").splitlines()]
ANSWERABLE = [question for question in QUESTIONS if question["answerable"]]
PDFS = sorted((SAMPLES / "pdf").glob("*.pdf"))
EMLS = sorted((SAMPLES / "mail").glob("*.eml"))
PAGES = sorted((SAMPLES / "wiki").glob("*.md"))


def messages() -> list[EmailMessage]:
    box = mailbox.mbox(SAMPLES / "mail" / "team.mbox")
    raw = [re.sub(rb"(?m)^>(>*From )", rb"\1", box.get_bytes(key)) for key in box.keys()]  # noqa: SIM118
    return [email.message_from_bytes(message, policy=default) for message in raw]


def pdf_text(data: bytes) -> str:
    return "\n".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(data)).pages)


def message_text(message: EmailMessage) -> str:
    texts = []
    for part in message.walk():
        if part.get_content_type() == "application/pdf":
            texts.append(pdf_text(part.get_content()))
        elif part.get_content_maintype() == "text":
            texts.append(part.get_content())
    return "\n".join(texts)


def text_of(doc: str) -> str:
    """What a reader of a sample document sees, read without this project's own loaders."""
    path = SAMPLES / doc
    if path.suffix == ".mbox":
        return "\n".join(message_text(message) for message in messages())
    if path.suffix == ".eml":
        return message_text(email.message_from_bytes(path.read_bytes(), policy=default))
    if path.suffix == ".pdf":
        return pdf_text(path.read_bytes())
    text = path.read_text("utf-8")
    return BeautifulSoup(text, "lxml").get_text(" ") if path.suffix == ".html" else text


def words(text: str) -> set[str]:
    return set(re.findall(r"\d+(?:[.,]\d+)*|[^\W\d_]+", text.lower()))


def test_wiki_has_pages_with_title_author_and_date() -> None:
    """Citations show title and date: a page without them would be cited by its file name."""
    assert len(PAGES) >= 15
    assert len(list((SAMPLES / "wiki").glob("*.html"))) == 2
    for page in PAGES:
        front = yaml.safe_load(page.read_text("utf-8").split("---\n")[1])
        assert {"title", "author", "updated", "tags"} <= front.keys(), page.name


def test_links_between_wiki_pages_lead_somewhere() -> None:
    titles = {yaml.safe_load(page.read_text("utf-8").split("---\n")[1])["title"] for page in PAGES}
    for page in PAGES:
        text = page.read_text("utf-8")
        assert set(re.findall(r"\[\[(.+?)\]\]", text)) <= titles, page.name
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_meetings_have_a_date() -> None:
    notes = sorted((SAMPLES / "meetings").iterdir())
    assert len(notes) >= 4
    assert all(re.search(r"Date:.*2025", note.read_text("utf-8")) for note in notes)


def test_mailbox_is_whole_and_its_threads_resolve() -> None:
    """A reply whose parent is missing would break the thread that an answer is shown in."""
    box = messages()
    ids = [message["Message-ID"] for message in box]
    assert len(box) >= 28
    assert len(set(ids)) == len(ids)
    replies = [message for message in box if message["In-Reply-To"]]
    assert len(box) - len(replies) >= 7  # threads
    for message in replies:
        assert message["In-Reply-To"] in ids
        assert set(message["References"].split()) <= set(ids)
    assert all(message["Date"].datetime.tzinfo for message in box)


def test_mailbox_shows_the_forms_that_real_mail_has() -> None:
    raw = (SAMPLES / "mail" / "team.mbox").read_text("utf-8")
    for sign in (
        "=?iso-8859-1?Q?",
        "=?utf-8?B?",
        "Transfer-Encoding: base64",
        "quoted-printable",
        "\n>From ",
    ):
        assert sign in raw
    kinds = [message.get_content_type() for message in messages()]
    assert {"text/plain", "text/html", "multipart/alternative"} <= set(kinds)
    assert any("Zofia Wójcik" in message["From"] for message in messages())
    text = text_of("mail/team.mbox")
    assert "\nFrom now on nothing" in text
    assert "\n-- \n" in text
    assert re.search(r"^On \w{3}, .* wrote:\n> ", text, re.MULTILINE)


def test_three_messages_carry_attachments() -> None:
    names = []
    for path in EMLS:
        message = email.message_from_bytes(path.read_bytes(), policy=default)
        assert not message.defects
        names += [part.get_filename() for part in message.iter_attachments()]
    assert sorted(Path(name).suffix for name in names) == [".csv", ".md", ".pdf"]


@pytest.mark.parametrize("path", PDFS, ids=lambda path: path.stem)
def test_pdf_has_pages_outline_and_metadata(path: Path) -> None:
    reader = pypdf.PdfReader(path)
    assert 3 <= len(reader.pages) <= 8
    assert path.stat().st_size < 100_000
    for number, page in enumerate(reader.pages, start=1):
        assert f"Page {number}" in page.extract_text()
        assert len(page.extract_text()) > 300
    assert reader.outline
    assert reader.metadata.title and reader.metadata.author
    assert reader.metadata.creation_date.year >= 2024


def test_there_are_five_pdfs_and_all_is_small() -> None:
    assert len(PDFS) == 5
    assert sum(path.stat().st_size for path in SAMPLES.rglob("*") if path.is_file()) < 1_000_000


def test_script_makes_the_same_bytes_again(tmp_path: Path) -> None:
    """Without this an edit of a source could leave an old PDF or mailbox beside it."""
    pytest.importorskip("reportlab")
    subprocess.run([sys.executable, SAMPLES / "make_samples.py", tmp_path], check=True)
    made = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file())
    kept = [path.relative_to(SAMPLES) for path in (*PDFS, *(SAMPLES / "mail").iterdir())]
    assert made == sorted(kept)
    for path in made:
        assert (tmp_path / path).read_bytes() == (SAMPLES / path).read_bytes(), path


def test_questions_are_thirty_with_an_answer_and_ten_without() -> None:
    assert [question["id"] for question in QUESTIONS] == [f"q{n:02}" for n in range(1, 41)]
    assert len(ANSWERABLE) == 30
    for question in QUESTIONS:
        assert bool(question["answers"]) == bool(question["docs"]) == question["answerable"]


@pytest.mark.parametrize("question", ANSWERABLE, ids=lambda question: question["id"])
def test_each_listed_document_holds_the_expected_answer(question: dict) -> None:
    """A wrong expectation would count a right answer as wrong."""
    for doc in question["docs"]:
        there = words(text_of(doc))
        assert any(words(answer) <= there for answer in question["answers"]), doc
