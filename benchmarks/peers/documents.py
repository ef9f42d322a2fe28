"""The sets' documents as each system gets them, and where a passage stands in them.

kb reads the files as they are. The others get Markdown as it is and each message as a text file, with its sender,
recipients, date and subject in front. PDFs are read by those that bring a reader for them; the others get a text file a
page, read by pypdf, so that their time does not hold the reading.
"""

import json
import mailbox
import shutil
from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from typing import Any

from benchmarks.retrieval import questions_of

_HEADERS = ("From", "To", "Date", "Subject")


@dataclass(frozen=True, slots=True)
class Source:
    """What a text file that was made for the others stands for: a message and those with the same body, or a page."""

    document: str
    page: int | None = None
    message_id: str | None = None
    copies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Documents:
    """A set: its questions, its folder as it is, the folder for the others, and what their files stand for."""

    name: str
    title: str
    questions: tuple[dict[str, Any], ...]
    original: Path
    texts: Path
    sources: dict[str, Source]

    @property
    def answerable(self) -> list[dict[str, Any]]:
        """The questions that the documents answer."""
        return [question for question in self.questions if question.get("answerable", True)]

    @property
    def folder_name(self) -> str:
        """A name for what is made of it."""
        return self.title.replace(",", "").replace(" ", "-")

    def folder(self, system: str) -> Path:
        """The folder that a system gets."""
        if system == "kb" or (self.name == "pdf" and system == "llamaindex"):
            return self.original
        return self.texts

    def text(self, document: str) -> str:
        """The text of a file of the set."""
        return _read(self.original / document)


def prepare(eval_folder: Path, name: str, work: Path, files: int | None = None) -> Documents:
    """A set's documents, with the text files made unless they are there. With `files`, only the first so many files
    that hold answers are used, with all their questions and as large a part of those without an answer; a mailbox is
    used whole."""
    questions = questions_of(eval_folder, name)
    original, title = eval_folder / name / "docs", name
    made = work / "documents"
    if name == "mail":
        sources = _messages(next(original.glob("*.mbox")), made / name)
        return Documents(name, title, tuple(questions), original, made / name, sources)
    if files:
        yes = [question for question in questions if question.get("answerable", True)]
        chosen = sorted({question["doc"] for question in yes})[:files]
        kept = [question for question in yes if question["doc"] in chosen]
        no = [question for question in questions if not question.get("answerable", True)]
        questions = [*kept, *no[: round(len(no) * len(kept) / len(yes))]]
        title = f"{name}, {len(chosen)} files"
        original = _copied(original, chosen, made / f"{name}-{files}")
    if name == "pdf":
        texts = made / f"{original.name}-pages"
        return Documents(name, title, tuple(questions), original, texts, _pages(original, texts))
    return Documents(name, title, tuple(questions), original, original, {})


def _copied(folder: Path, names: Sequence[str], target: Path) -> Path:
    target.mkdir(parents=True, exist_ok=True)
    for name in names:
        if not (target / name).exists():
            shutil.copyfile(folder / name, target / name)
    return target


def _messages(mbox: Path, folder: Path) -> dict[str, Source]:
    index = folder.with_suffix(".json")
    if not index.exists():
        folder.mkdir(parents=True, exist_ok=True)
        ids: dict[str, str] = {}
        same: defaultdict[str, list[str]] = defaultdict(list)
        with closing(mailbox.mbox(mbox, create=False)) as messages:
            for number, key in enumerate(messages.iterkeys()):
                message = BytesParser(EmailMessage, policy=policy.default).parsebytes(messages.get_bytes(key))
                part = message.get_body(("plain", "html"))
                body = part.get_content() if part else ""
                head = "".join(f"{header}: {message.get(header, '')}\n" for header in _HEADERS)
                file = f"message-{number:05}.txt"
                (folder / file).write_text(f"{head}\n{body}", "utf-8")
                ids[file] = str(message["Message-ID"]).strip("<> ")
                same[" ".join(body.split()) or file].append(file)
        copies = {
            file: [ids[other] for other in files if other != file]
            for files in same.values()
            for file in files
        }
        index.write_text(json.dumps({file: [ids[file], copies[file]] for file in ids}))
    made = json.loads(index.read_text())
    return {file: Source(mbox.name, None, found, tuple(copies)) for file, (found, copies) in made.items()}


def _pages(pdfs: Path, folder: Path) -> dict[str, Source]:
    from pypdf import PdfReader

    folder.mkdir(parents=True, exist_ok=True)
    for pdf in sorted(pdfs.glob("*.pdf")):
        if not any(folder.glob(f"{pdf.stem}-page-*.txt")):
            for number, page in enumerate(PdfReader(pdf).pages, 1):
                (folder / f"{pdf.stem}-page-{number:04}.txt").write_text(
                    page.extract_text(), "utf-8", "replace"
                )
    return {
        file.name: Source(f"{stem}.pdf", int(number))
        for file in folder.glob("*-page-*.txt")
        for stem, _, number in (file.stem.rpartition("-page-"),)
    }


@cache
def _read(path: Path) -> str:
    return path.read_text("utf-8")
