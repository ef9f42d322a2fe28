"""Questions with known answers, one JSON object a line, as people and public sets write them.

| field | also named | says |
|---|---|---|
| `question` | `query` | what to ask; the only one that must be there |
| `answers` | `answer` | accepted wordings: a string or a list of them |
| `doc` | `docs`, `document`, `documents`, `file`, `path` | where the answer stands: a file's name or path, or a list |
| `page` | `pages` | of the one document, from 1 |
| `span` | `spans`, `char_spans`, or `start` and `end` | characters `[start, end)` of the one document's text |
| `message_id` | `message_ids` | of a message that holds the answer |
| `answerable` | | false when the documents do not say |
| `id` | | else the number of the line |

Other fields are left alone.
"""

import json
import random
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from retrieval.errors import UsageError
from retrieval.text import clean, one_line
from retrieval.types import DocumentInfo, Hit

# Characters of a question; a longer one fits no model's window here.
_MAX_QUESTION = 4000
# Of what is drawn by chance, so that two runs are over the same.
_SEED = 1
_DOCUMENT = ("doc", "docs", "document", "documents", "file", "path")


class Span(Protocol):
    """A hit or a citation: `[start, end)` of a document, on a page."""

    @property
    def info(self) -> DocumentInfo: ...
    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def page(self) -> int | None: ...


@dataclass(frozen=True, slots=True)
class Place:
    """Where an answer stands: in a message, in a document (`path`, folders and file from the left), on a page of it
    (from 1), or in a span of it."""

    path: tuple[str, ...] = ()
    message_id: str | None = None
    page: int | None = None
    span: tuple[int, int] | None = None

    def holds(self, found: Span) -> bool:
        """Whether what was found lies here; of a span, whether it overlaps it."""
        return (
            self._names(found.info)
            and (self.page is None or found.page == self.page)
            and (self.span is None or (found.start < self.span[1] and self.span[0] < found.end))
        )

    def holds_copy(self, hit: Hit) -> bool:
        """Whether a copy of the hit lies here. Of a copy only the document is known: never on a page or in a span."""
        whole = self.page is None and self.span is None
        return whole and any(self._names(copy.info) for copy in hit.copies)

    def _names(self, info: DocumentInfo) -> bool:
        if self.message_id is not None and self.message_id != info.message_id:
            return False
        if not self.path:
            return True
        other = _path(info.doc)
        shared = min(len(self.path), len(other))
        return self.path[-shared:] == other[-shared:]


@dataclass(frozen=True, slots=True)
class Question:
    """A question and what is known of its answer. `answerable` is None when nothing is."""

    id: str
    text: str
    answers: tuple[str, ...]
    places: tuple[Place, ...]
    answerable: bool | None


def read_questions(file: Path) -> list[Question]:
    """The questions of a file. Raises UsageError with the number of the line that can't be used."""
    try:
        text = file.read_text("utf-8-sig")
    except UnicodeDecodeError:
        raise UsageError(f"{file} is no UTF-8 text: it should have one JSON object a line") from None
    except OSError as error:
        raise UsageError(f"the questions in {file} can't be read: {error.strerror or error}") from None
    questions: dict[str, Question] = {}
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            question = parse(_object(line), str(number))
            if question.id in questions:
                raise UsageError(f"there is an earlier question with the id {one_line(question.id)}")
        except UsageError as error:
            raise UsageError(f"{file}, line {number}: {error}") from None
        questions[question.id] = question
    if not questions:
        raise UsageError(f"there is no question in {file}: it should have one JSON object a line")
    return list(questions.values())


def sample(questions: Sequence[Question], size: int) -> list[Question]:
    """So many of the questions, in an order by chance that is the same each time: what a stopped run has asked is a
    fair part of them."""
    drawn = list(questions)
    random.Random(_SEED).shuffle(drawn)
    return drawn[:size]


def parse(entry: Mapping[str, Any], number: str = "1") -> Question:
    """The question in a JSON object. Raises UsageError that says which field is wrong."""
    text = entry.get("question", entry.get("query"))
    if not isinstance(text, str) or not text.strip():
        raise UsageError('it has no "question"')
    if len(text) > _MAX_QUESTION:
        raise UsageError(f"its question has more than {_MAX_QUESTION} characters")
    given = entry.get("answerable")
    if not isinstance(given, bool | None):
        raise UsageError('its "answerable" should be true or false')
    answers = tuple(
        answer for name in ("answer", "answers") for answer in _texts(entry, name) if answer.strip()
    )
    places = () if given is False else places_of(entry)
    answerable = given if given is not None else (True if answers or places else None)
    name = entry.get("id")
    return Question(number if name is None else str(name), clean(text).strip(), answers, places, answerable)


def places_of(entry: Mapping[str, Any]) -> tuple[Place, ...]:
    """Where the answer to the question in a JSON object stands; empty when it does not say."""
    documents = [name for field in _DOCUMENT for name in _texts(entry, field)]
    paths = tuple(dict.fromkeys(path for path in map(_path, documents) if path))
    messages = [m.strip().strip("<>") for name in ("message_id", "message_ids") for m in _texts(entry, name)]
    pages, spans = _pages(entry), _spans(entry)
    if not pages and not spans:  # a message says more than the mailbox that it is in
        return tuple(Place(message_id=message) for message in messages) or tuple(map(Place, paths))
    if len(paths) > 1 or len(messages) > 1 or not (paths or messages):
        raise UsageError("a page or span needs the one document (or message) that it is of")
    path, message = paths[0] if paths else (), messages[0] if messages else None
    return (
        *(Place(path, message, page=page) for page in pages),
        *(Place(path, message, span=span) for span in spans),
    )


def _object(line: str) -> Mapping[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"it is no JSON ({one_line(str(error))})") from None
    if not isinstance(entry, dict):
        raise UsageError("it is no JSON object")
    return entry


def _path(name: str) -> tuple[str, ...]:
    """The parts of a path that tell files apart, whatever folder it was written from and on whichever system."""
    parts = unicodedata.normalize("NFC", name).casefold().replace("\\", "/").split("/")
    return tuple(part for part in parts if part not in ("", ".", ".."))


def _texts(entry: Mapping[str, Any], name: str) -> list[str]:
    value = entry.get(name)
    values = [] if value is None else value if isinstance(value, list) else [value]
    if not all(isinstance(item, str) for item in values):
        raise UsageError(f'its "{name}" should be a text or a list of texts')
    return values


def _pages(entry: Mapping[str, Any]) -> list[int]:
    pages: list[int] = []
    for name in ("page", "pages"):
        value = entry.get(name)
        values = [] if value is None else value if isinstance(value, list) else [value]
        if not all(_is_count(page) and page >= 1 for page in values):
            raise UsageError(f'its "{name}" should be a number from 1, or a list of them')
        pages += values
    return list(dict.fromkeys(pages))


def _spans(entry: Mapping[str, Any]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for name in ("span", "spans", "char_spans"):
        value = entry.get(name)
        if value is not None:
            one = isinstance(value, list) and len(value) == 2 and all(map(_is_count, value))
            spans += [
                _span(name, item) for item in ([value] if one or not isinstance(value, list) else value)
            ]
    if "start" in entry or "end" in entry:
        spans.append(_span("start and end", [entry.get("start"), entry.get("end")]))
    return list(dict.fromkeys(spans))


def _span(name: str, value: object) -> tuple[int, int]:
    if (
        isinstance(value, Sequence)
        and len(value) == 2
        and all(map(_is_count, value))
        and 0 <= value[0] < value[1]
    ):
        return value[0], value[1]
    raise UsageError(f'its "{name}" should be two numbers [start, end), start before end')


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
