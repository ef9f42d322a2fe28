"""Notion's exports (Markdown with CSV, or HTML): a page "Plan 0123…cdef.md" has its subpages, files and databases in a
folder "Plan" beside it, which in older exports has the page's id too."""

import re
from functools import lru_cache
from pathlib import PurePosixPath

from ingest.loaders.dates import day
from ingest.loaders.html_tree import flat_text, parsed
from ingest.loaders.place import Around, Place
from ingest.loaders.plain import decode_anyway
from retrieval.errors import LoadError
from retrieval.text import one_line

_IDENTIFIER = re.compile(r"(?P<name>.*?) ?(?P<id>(?<![0-9a-f])[0-9a-f]{32})(?P<all>_all)?")
_PAGES = (".md", ".html", ".csv")
# Properties stand below a page's title, a line each. These are the names that Notion gives them; people rarely change
# them. Of each kind the first that is there wins.
_PROPERTY = re.compile(r"^([^:\n]{1,60}): (.{1,200})$", re.MULTILINE)
_PROPERTIES_WITHIN = 8192
_DATES = (
    "last edited time",
    "last edited",
    "last updated",
    "updated",
    "date",
    "created time",
    "created",
    "created at",
)
_AUTHORS = ("last edited by", "author", "owner", "created by")
# What an HTML export calls the rows of its table of properties.
_DATE_ROWS = ("last_edited_time", "date", "created_time")
_AUTHOR_ROWS = ("last_edited_by", "created_by", "person")


def place_of(path: PurePosixPath, data: bytes, around: Around) -> Place | None:
    """The place of a page, database or file of such an export, None for other files. Of a database there may be two
    tables: one of them has all that is in the other."""
    own = _IDENTIFIER.fullmatch(path.stem)
    above: list[str] = []
    for folder in path.parents:
        if not folder.name or _bare(folder.name) not in _pages(tuple(around.names(folder.parent))):
            break
        above.insert(0, _bare(folder.name))
    if own is None:
        return Place(path.name, tuple(above)) if above else None
    suffix = path.suffix.lower()
    whole = f"{path.stem}_all{path.suffix}"
    repeated = suffix == ".csv" and not own["all"] and whole in around.names(path.parent)
    author, date = _properties(data, suffix)
    return Place(f"{own['name'] or own['id']}{path.suffix}", tuple(above), author, date, repeated)


def _bare(name: str) -> str:
    """A page's name without its id."""
    match = _IDENTIFIER.fullmatch(name)
    return name if match is None else match["name"]


@lru_cache(maxsize=64)  # all files of a folder ask for it
def _pages(names: tuple[str, ...]) -> frozenset[str]:
    """The names of the pages among a folder's files."""
    paths = (PurePosixPath(name) for name in names if name.lower().endswith(_PAGES))
    return frozenset(match["name"] for path in paths if (match := _IDENTIFIER.fullmatch(path.stem)))


def _properties(data: bytes, suffix: str) -> tuple[str | None, str | None]:
    """Who changed a page last, and when, as far as its properties say so."""
    if suffix == ".md":
        head = decode_anyway(data[:_PROPERTIES_WITHIN])
        found = {name.strip().lower(): value.strip() for name, value in _PROPERTY.findall(_block(head))}
        authors, dates = [found.get(key) for key in _AUTHORS], [found.get(key) for key in _DATES]
    elif suffix == ".html":
        try:
            tree = parsed(data)
        except LoadError:
            return None, None
        rows = {} if tree is None else {
            kind: flat_text(row.find(".//td"))
            for row in tree.iterfind(".//table[@class='properties']//tr")
            for kind in re.findall(r"property-row-(\w+)", row.get("class") or "")
        }  # fmt: skip
        authors, dates = [rows.get(key) for key in _AUTHOR_ROWS], [rows.get(key) for key in _DATE_ROWS]
    else:
        return None, None
    days = (day(value.lstrip("@").partition(" → ")[0]) for value in dates if value)
    return next((one_line(a)[:200] for a in authors if a), None), next(filter(None, days), None)


def _block(text: str) -> str:
    """The first paragraph below the page's title."""
    match = re.match(r"\s*# [^\n]*\n+((?:[^\n]+\n?)*)", text)
    return match[1] if match else ""
