"""reStructuredText (.rst), by docutils' parser alone: no file is inserted, no raw output taken, nothing transformed.

Sphinx and other programs add directives and roles that docutils does not know. What they enclose is read as text: a
note stays a note, and a link to a function its name.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any, ClassVar

from docutils import nodes
from docutils.frontend import get_default_settings
from docutils.parsers.rst import Directive, Parser, directives, roles
from docutils.parsers.rst.languages import en
from docutils.utils import new_document

from ingest.document import Document, PartFailure
from ingest.loaders import plain
from ingest.loaders.dates import day, day_in_name
from ingest.loaders.layout import Piece, laid_out, table
from ingest.loaders.plain import headline, text_of, title_from_name
from ingest.loaders.spans import Cell, Hanging, row_of
from retrieval.text import one_line
from retrieval.types import DocumentInfo

# The parser takes time with the square of what some texts have much of; a larger file is read as plain text.
_MAX_CHARS = 4 * 2**20
_DIRECTIVE = re.compile(
    r"^[ \t]*(?:\.\.[ \t]+(?:\|[^|\n]+\|[ \t]+)?)([\w.+:-]+?)[ \t]?::(?:[ \t]|$)", re.MULTILINE
)
_ROLE = re.compile(r"(?::([\w.+:-]+):`|`:([\w.+:-]+):)")
# Lists of other pages, settings, and what would read other files or depend on the day.
_SILENT = frozenset(
    "toctree index include literalinclude raw date highlight currentmodule module meta image contents sectnum".split()
)
_CODES = frozenset(("code", "code-block", "sourcecode"))
# Of these the argument only says for whom the content is, or what file it is.
_WORDLESS = frozenset("only figure ifconfig container tab-set tab-item grid grid-item card".split())
# Two lines or more as in the head of a message, with which Python's enhancement proposals begin.
_HEAD = re.compile(r"\s*(?:[A-Z][\w-]*:(?:[ \t].*)?\n(?:[ \t]+\S.*\n)*){2}")
# `title <target>`, ~package.module.name and !name, as Sphinx writes links.
_TITLED = re.compile(r"(.+?)\s*<[^<>]*>$", re.DOTALL)
_DATE_FIELDS = (
    "updated",
    "last-modified",
    "last modified",
    "lastmod",
    "modified",
    "resolution",
    "date",
    "created",
)
_AUTHOR_FIELDS = ("author", "authors")
_LEFT_OUT = (
    nodes.comment, nodes.substitution_definition, nodes.target, nodes.raw, nodes.pending, nodes.image,
)  # fmt: skip
_LISTS = (nodes.bullet_list, nodes.enumerated_list)
_CODE = (nodes.literal_block, nodes.doctest_block, nodes.math_block)


def read(data: bytes, name: str, doc: str) -> Iterator[Document | PartFailure]:
    """A page as one document. Its title, author and date are those of its field list, of the first heading, or of the
    file's name. What is nested too deeply for the parser, or too large, is read as plain text."""
    source = text_of(data)
    if len(source) > _MAX_CHARS:
        yield from plain.read(data, name, doc)
        return
    try:
        tree = _parsed(source)
        text, blocks = laid_out(_pieces(tree))
    except RecursionError:
        yield from plain.read(data, name, doc)
        return
    if not text:  # nothing but directives that say nothing to a reader
        return
    fields = _fields(tree)
    heading = next((block.heading[-1] for block in blocks if block.kind == "heading"), "")
    days = (day(fields[key].split(",")[-1]) for key in _DATE_FIELDS if key in fields)
    info = DocumentInfo(
        doc, "", "wiki", headline(fields.get("title", "")) or heading or title_from_name(name),
        author=next((headline(fields[key]) for key in _AUTHOR_FIELDS if fields.get(key)), None),
        date=next(filter(None, days), day_in_name(name)),
    )  # fmt: skip
    yield Document(info, text, blocks)


def _parsed(source: str) -> Any:
    _make_known(source)
    settings = get_default_settings(Parser)
    settings.file_insertion_enabled = settings.raw_enabled = False
    settings.report_level = settings.halt_level = 5  # what is wrong stays as it is written
    settings.line_length_limit = _MAX_CHARS
    settings.syntax_highlight = "none"
    settings.warning_stream = False
    document = new_document("page", settings)
    Parser(rfc2822=_HEAD.match(source) is not None).parse(source, document)
    return document


class _AnyOption(dict[str, Callable[[str], str]]):
    """Any option is known, and has any value."""

    def __missing__(self, key: str) -> Callable[[str], str]:
        return str


class _Unknown(Directive):  # type: ignore[misc]
    """A directive of another program: its arguments are a line, its content is read as what surrounds it."""

    optional_arguments = 1
    final_argument_whitespace = True
    has_content = True
    option_spec: ClassVar[Any] = _AnyOption(name=str)

    def run(self) -> list[Any]:
        found = nodes.container()
        if self.arguments and self.name not in _WORDLESS:
            line = one_line(f"{self.name}: {self.arguments[0]}")
            found += nodes.paragraph(line, "", nodes.Text(line))
        self.state.nested_parse(self.content, self.content_offset, found)
        return [found]


class _Code(_Unknown):
    """Code, whatever options other programs give it."""

    def run(self) -> list[Any]:
        code = "\n".join(self.content)
        return [nodes.literal_block(code, code)]


class _Silent(_Unknown):
    """A directive that says nothing to a reader."""

    def run(self) -> list[Any]:
        return []


def _role(
    name: str, rawtext: str, text: str, lineno: int, inliner: Any, options: Any = None, content: Any = None
) -> Any:
    """A role of another program: its text."""
    shown = text.replace("\0", "")
    titled = _TITLED.match(shown)
    return [nodes.Text(titled[1] if titled else shown.lstrip("~!"))], []


def _make_known(source: str) -> None:
    """Registers what the page uses and docutils does not know, and what it knows and must not do."""
    for name in {found.lower() for found in _DIRECTIVE.findall(source)}:
        if name in _SILENT:
            directives.register_directive(name, _Silent)
        elif name in _CODES:
            directives.register_directive(name, _Code)
        elif name == "figure" or name not in en.directives:
            directives.register_directive(name, _Unknown)
    for before, after in _ROLE.findall(source):
        name = (before or after).lower()
        if name not in en.roles:
            roles.register_local_role(name, _role)


def _fields(tree: Any) -> dict[str, str]:
    """The field list that a page begins with, above or below its title."""
    for node in tree.children:
        if isinstance(node, nodes.field_list):
            return _named(node)
        if isinstance(node, nodes.section):
            found = next((c for c in node.children[1:2] if isinstance(c, nodes.field_list)), None)
            return {} if found is None else _named(found)
        if not isinstance(node, _LEFT_OUT):
            break
    return {}


def _named(fields: Any) -> dict[str, str]:
    return {one_line(f[0].astext()).lower(): one_line(f[1].astext()) for f in fields.children}


def _pieces(node: Any, level: int = 0) -> Iterator[Piece]:
    """The parts of a page in reading order. Recursive, as docutils' own parser is."""
    for child in node.children:
        if isinstance(child, _LEFT_OUT):
            continue
        if isinstance(child, nodes.section):
            yield from _pieces(child, level + 1)
        elif isinstance(child, nodes.title) and isinstance(node, nodes.section):
            yield Piece("heading", child.astext(), level)
        elif isinstance(child, _LISTS):
            yield from _items(child)
        elif isinstance(child, nodes.field_list):
            fields = (f"{one_line(f[0].astext())}: {_text(f[1])}" for f in child.children)
            yield Piece("paragraph", "\n".join(fields))
        elif isinstance(child, nodes.definition_list | nodes.option_list):
            for entry in child.children:
                yield Piece("list", "- " + ": ".join(filter(None, (_text(part) for part in entry.children))))
        elif isinstance(child, _CODE):
            yield Piece("code", child.astext())
        elif isinstance(child, nodes.system_message):  # what the parser does not take, as it is written
            yield from (Piece("code", source.astext()) for source in child.findall(nodes.literal_block))
        elif isinstance(child, nodes.table):
            yield from _pieces_of_table(child)
        elif isinstance(child, nodes.footnote | nodes.citation):
            label = child[0].astext() if child.children and isinstance(child[0], nodes.label) else ""
            body = "\n".join(_text(part) for part in child.children if not isinstance(part, nodes.label))
            yield Piece("paragraph", f"[{label}] {body}" if label else body)
        elif isinstance(child, nodes.line_block | nodes.TextElement):
            yield Piece("paragraph", child.astext())
        else:
            yield from _pieces(child, level)


def _items(items: Any, depth: int = 0) -> Iterator[Piece]:
    number = int(items["start"]) if "start" in items.attributes else 1
    for item in items.children:
        own = [_text(part) for part in item.children if not isinstance(part, _LISTS)]
        mark = "- " if isinstance(items, nodes.bullet_list) else f"{number}. "
        number += 1
        yield Piece("list", "  " * min(depth, 10) + mark + "\n".join(filter(None, own)))
        for part in item.children:
            if isinstance(part, _LISTS):
                yield from _items(part, depth + 1)


def _text(node: Any) -> str:
    """What there is to read in a node, a line for each of its blocks."""
    if isinstance(node, (*_LEFT_OUT, nodes.system_message)):
        return ""
    if isinstance(node, nodes.TextElement) or not node.children:
        return str(node.astext())
    return "\n".join(filter(None, (_text(child) for child in node.children)))


def _pieces_of_table(node: Any) -> Iterator[Piece]:
    for title in node.findall(nodes.title):
        yield Piece("paragraph", title.astext())
    hanging: Hanging = {}
    yield table(row_of(map(_cell, row.children), hanging) for row in node.findall(nodes.row))


def _cell(entry: Any) -> Cell:
    return Cell(one_line(_text(entry)), entry.get("morecols", 0) + 1, entry.get("morerows", 0) + 1)
