"""AsciiDoc (https://docs.asciidoctor.org/asciidoc/latest/): headings, paragraphs, lists, tables and code of a page.
There is no maintained parser in Python; this one reads what a reader sees of the common constructs, line by line, and
leaves the rest as it is written. Nothing is included from other files, no macro does anything."""

import re
from collections.abc import Iterator

from ingest.document import BlockKind, Document
from ingest.loaders.asciidoc_tables import rows_of
from ingest.loaders.dates import day, day_in_name
from ingest.loaders.html import html_to_text
from ingest.loaders.layout import Piece, laid_out, table
from ingest.loaders.plain import EmptyFile, headline, text_of, title_from_name
from retrieval.types import DocumentInfo

_ATTRIBUTE = re.compile(r":(!?[\w-]+!?):(?:[ \t]+(.*))?$")
_REFERENCE = re.compile(r"\{([\w-]+)\}")
# An attribute's value may name others; it is put in once, so that it can't grow without end.
_MAX_VALUE = 1000
_HEADING = re.compile(r"(={1,6}|#{1,6})[ \t]+(\S.*)$")
_AUTHOR = re.compile(r"(\w[\w.' -]*?)(?:[ \t]+<([^<>\s]+)>)?(?:;.*)?$")
_REVISION = re.compile(r"(?:v[\w.]+,?)?[ \t]*([^:]*?)(?::.*)?$")
# The lines that begin and end a block, and what lies between them.
_FENCES = {
    "-": "code",
    ".": "code",
    "`": "code",
    "/": "comment",
    "+": "passed",
    "|": "table",
    ",": "table",
    "!": "table",
}
_FENCE = re.compile(r"(?:(-{4,}|\.{4,}|/{4,}|\+{4,}|[|,!]={3,})|(`{3})[\w+#-]*)[ \t]*$")
# Blocks of text: only their first and last lines go.
_FRAME = re.compile(r"(?:={4,}|\*{4,}|_{4,}|--)[ \t]*$")
_ATTRIBUTES = re.compile(r"\[(?!\[).*\][ \t]*$|\[\[[^\]]*\]\][ \t]*$")
_CAPTION = re.compile(r"\.(?![. \t])(.+)$")
_MACRO = re.compile(r"(?:include|ifn?def|ifeval|endif|toc|image|video|audio)::\S*\[([^\]]*)\][ \t]*$")
_RULE = re.compile(r"(?:'{3,}|<{3,}|-{3}|\*{3})[ \t]*$")
_ITEM = re.compile(r"[ \t]*(\*{1,5}|-|\.{1,5}|\d{1,4}\.|<(?:\d{1,3}|\.)>)[ \t]+(\S.*)$")
_TERM = re.compile(r"[ \t]*(\S.*?)(?:::|;;)(?:[ \t]+(.*))?$")
_INLINE = (
    (re.compile(r"<<[^<>,]{1,300},([^<>]{1,300})>>"), r"\1"),
    (re.compile(r"<<([^<>,]{1,300})>>"), r"\1"),
    (re.compile(r"(?:link|xref|mailto):[^\s\[\]]{1,2000}\[([^\]\n]{1,500}?)\^?\]"), r"\1"),
    (re.compile(r"(?:https?|ftp)://[^\s\[\]]{1,2000}\[([^\]\n]{1,500}?)\^?\]"), r"\1"),
    (re.compile(r"(?:link|xref):([^\s\[\]]{1,2000})\[\]"), r"\1"),
    (re.compile(r"(?:kbd|btn|menu:[^\s\[\]]{1,100}|footnote(?:ref)?):?\[([^\]\n]{1,2000})\]"), r" (\1)"),
    (re.compile(r"image:[^\s\[\]]{1,2000}\[([^\]\n]{0,500})\]"), r"\1"),
    (re.compile(r"\[\[[^\]\n]{1,200}\]\]|\[[#.][^\]\n]{1,200}\](?=[*_`#])"), ""),
    (re.compile(r"(?<![\w*])\*{1,2}(?=\S)([^*\n]{1,500}?)(?<=\S)\*{1,2}(?![\w*])"), r"\1"),
    (re.compile(r"(?<![\w_])_{1,2}(?=\S)([^_\n]{1,500}?)(?<=\S)_{1,2}(?![\w_])"), r"\1"),
    (re.compile(r"`\+?([^`\n]{1,500}?)\+?`"), r"\1"),
    (re.compile(r"(?<=\S)[ \t]\+$", re.MULTILINE), ""),  # a line break
)  # fmt: skip


def read(data: bytes, name: str, doc: str) -> Iterator[Document]:
    """A page as one document. Title, author and date are those of its head."""
    page = _Page(text_of(data))
    text, blocks = laid_out(page.pieces())
    if not text:
        raise EmptyFile("there is nothing to read in it")
    attributes = page.attributes
    heading = next((block.heading[-1] for block in blocks if block.kind == "heading"), "")
    dates = (day(attributes.get(key, "")) for key in ("revdate", "date", "page-date", "docdate"))
    info = DocumentInfo(
        doc, "", "wiki", headline(attributes.get("doctitle", "")) or heading or title_from_name(name),
        author=headline(attributes.get("author", "")) or None,
        date=next(filter(None, dates), day_in_name(name)),
    )  # fmt: skip
    yield Document(info, text, blocks)


class _Page:
    """The lines of a page, and the attributes that it has set so far."""

    def __init__(self, source: str) -> None:
        self.attributes: dict[str, str] = {}
        self._lines = source.split("\n")
        self._at = 0
        self._paragraph: list[str] = []
        self._settings = ""  # the last line of block attributes
        self._numbers: list[int] = []  # of the last items of the ordered lists that we are in

    def pieces(self) -> Iterator[Piece]:
        """The parts of the page in reading order."""
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            self._at += 1
            if not line:
                yield from self._flush()
                self._settings = ""
            elif self._paragraph and not self._ends_paragraph(line):
                self._paragraph.append(line)
            else:
                yield from self._flush()
                yield from self._begun(line)
        yield from self._flush()

    def _ends_paragraph(self, line: str) -> bool:
        patterns = (_FENCE, _FRAME, _ATTRIBUTES, _MACRO, _ITEM)
        return line == "+" or line.startswith("//") or any(p.match(line) for p in patterns)

    def _begun(self, line: str) -> Iterator[Piece]:
        """What a line that does not go on a paragraph is, or begins."""
        if line != "+" and not _ITEM.match(line):
            self._numbers = []
        if (fence := _FENCE.match(line)) is not None:
            yield from self._fenced(line.rstrip(), fence[1] or fence[2])
        elif line.startswith("//") or line == "+" or _FRAME.match(line) or _RULE.match(line):
            return
        elif (attribute := _ATTRIBUTE.match(line)) is not None:
            self._set(attribute[1], attribute[2] or "")
        elif (macro := _MACRO.match(line)) is not None:
            if line.startswith("image"):
                yield Piece("paragraph", self._inline(macro[1].partition(",")[0]))
        elif _ATTRIBUTES.match(line):
            self._settings = line
        elif (heading := _HEADING.match(line)) is not None:
            yield self._heading(len(heading[1]), heading[2])
        elif (item := _ITEM.match(line)) is not None:
            yield Piece("list", self._item(item[1], item[2]))
        elif (caption := _CAPTION.match(line)) is not None:
            yield Piece("paragraph", self._inline(caption[1]))
        elif (term := _TERM.match(line)) is not None and "://" not in term[1][-8:]:
            yield Piece("list", f"- {self._inline(term[1])}: {self._definition(term[2] or '')}")
        else:
            self._paragraph.append(line)

    def _flush(self) -> Iterator[Piece]:
        lines, self._paragraph = self._paragraph, []
        if lines:
            # What is indented is shown as it is written.
            kind: BlockKind = "code" if all(line[0] in " \t" for line in lines) else "paragraph"
            text = "\n".join(lines)
            yield Piece(kind, text if kind == "code" else self._inline(text))

    def _fenced(self, fence: str, marks: str) -> Iterator[Piece]:
        """What lies between a line and the next one like it, or the end."""
        end = "```" if marks == "```" else fence
        lines: list[str] = []
        while self._at < len(self._lines) and self._lines[self._at].rstrip() != end:
            lines.append(self._lines[self._at])
            self._at += 1
        self._at += 1
        kind, text = _FENCES[marks[0]], "\n".join(lines)
        if kind == "code":
            yield Piece("code", text.strip("\n"))
        elif kind == "passed":
            yield Piece("paragraph", html_to_text(text)[0])
        elif kind == "table":
            separator = "," if marks[0] == "," or "format=csv" in self._settings else marks[0]
            yield table(
                [self._inline(cell) for cell in row] for row in rows_of(text, separator, self._settings)
            )
        self._settings = ""

    def _heading(self, level: int, text: str) -> Piece:
        shown = self._inline(text)
        if level == 1 and "doctitle" not in self.attributes:
            self.attributes["doctitle"] = shown
            self._head()
        return Piece("heading", shown, level)

    def _head(self) -> None:
        """The lines below the title: an author, a revision."""
        for pattern, take in ((_AUTHOR, self._take_author), (_REVISION, self._take_revision)):
            while self._at < len(self._lines) and self._lines[self._at].startswith("//"):
                self._at += 1
            line = self._lines[self._at].strip() if self._at < len(self._lines) else ""
            if not line or line.startswith(":") or (match := pattern.match(line)) is None or not take(match):
                return
            self._at += 1

    def _take_author(self, match: re.Match[str]) -> bool:
        words = match[1].split()
        if not match[2] and not (1 < len(words) < 4 and all(word[:1].isupper() for word in words)):
            return False
        self.attributes["author"] = match[1]
        return True

    def _take_revision(self, match: re.Match[str]) -> bool:
        if not day(match[1]):
            return match[0][:1] == "v" and match[0][1:2].isdigit()
        self.attributes["revdate"] = match[1]
        return True

    def _set(self, name: str, value: str) -> None:
        if "!" in name:
            self.attributes.pop(name.strip("!"), None)
        else:
            self.attributes[name.lower()] = self._inline(value)[:_MAX_VALUE]

    def _item(self, marks: str, text: str) -> str:
        depth = len(marks) - 1 if marks[0] in "*." else 0
        if marks[0] == ".":
            self._numbers = [*self._numbers, *[0] * len(marks)][: len(marks)]
            self._numbers[-1] += 1
            marks = f"{self._numbers[-1]}."
        elif marks[0] == "<":
            marks = marks.strip("<>") + "."
        return "  " * depth + ("- " if marks[0] in "*-" else f"{marks} ") + self._continued(text)

    def _definition(self, text: str) -> str:
        return self._continued(text) if text or not self._peek() else self._continued("").strip()

    def _continued(self, text: str) -> str:
        """The text of an item with the lines that go on."""
        lines = [text]
        while (line := self._peek()) and not self._ends_paragraph(line) and not _TERM.match(line):
            lines.append(line.strip())
            self._at += 1
        return self._inline("\n".join(lines))

    def _peek(self) -> str:
        return self._lines[self._at].rstrip() if self._at < len(self._lines) else ""

    def _inline(self, text: str) -> str:
        text = _REFERENCE.sub(lambda found: self.attributes.get(found[1].lower(), found[0]), text)
        for pattern, shown in _INLINE:
            text = pattern.sub(shown, text)
        return text
