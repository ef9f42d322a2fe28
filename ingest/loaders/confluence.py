"""Confluence's exports of a space as HTML: a page says in its frame where in the space it stands, who changed it last
and when, and which files are attached to it. Those lie in attachments/PAGE/NUMBER.pdf and do not know their names."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote

from ingest.loaders.dates import last_day_in
from ingest.loaders.html_tree import flat_text, parsed
from ingest.loaders.place import Around, Place
from ingest.loaders.plain import headline
from retrieval.errors import LoadError

_INDEX = "index.html"


@dataclass(frozen=True, slots=True)
class Page:
    """What the frame of a page says: the titles `above` it, the space's first, and the names of its attachments by
    their paths from the page."""

    title: str
    above: tuple[str, ...] = ()
    author: str | None = None
    date: str | None = None
    attachments: Mapping[str, str] = field(default_factory=dict)


def page_of(tree: Any) -> Page | None:
    """What the page's frame says, None for pages that are not Confluence's."""
    heading = tree.find(".//*[@id='title-text']")
    if heading is None or tree.find(".//*[@id='main-content']") is None:
        return None
    above = tuple(filter(None, (headline(flat_text(a)) for a in tree.iterfind(".//*[@id='breadcrumbs']//a"))))
    title = headline(flat_text(heading))
    if above:
        title = title.removeprefix(f"{above[0]} : ")
    elif _lists_of_pages(tree):
        title = _space_name(tree) or title
    elif " : " in title:
        space, _, title = title.partition(" : ")
        above = (space,)
    about = tree.find(".//*[@class='page-metadata']")
    people = [] if about is None else [about.find(f".//*[@class='{name}']") for name in ("editor", "author")]
    author = next((headline(flat_text(p)) for p in people if p is not None), "")
    return Page(
        title, above, author or None, last_day_in(flat_text(about)),
        {
            unquote(link.get("href")): headline(flat_text(link))
            for section in _lists_of_files(tree) for link in section.iterfind(".//a[@href]")
        },
    )  # fmt: skip


def without_frame(tree: Any, page: Page) -> Any:
    """What there is to read of the page: its title, contents and comments. Changes the tree."""
    heading = tree.find(".//*[@id='title-text']")
    for child in list(heading):
        heading.remove(child)
    heading.text = page.title
    frame = [*tree.iterfind(".//*[@class='page-metadata']"), *_lists_of_files(tree), *_lists_of_pages(tree)]
    for element in frame:
        if element.getparent() is not None:
            element.drop_tree()
    found = tree.find(".//*[@id='main']")
    return tree if found is None else found


def place_of(path: PurePosixPath, data: bytes, around: Around) -> Place | None:
    """The place of an attachment, or of a page that does not state its own. None for other files."""
    parts = path.parts
    if len(parts) > 2 and parts[-3] == "attachments" and parts[-2].isdecimal():
        return _attached(path, around)
    if path.suffix.lower() == ".html" and b"title-text" in data and b"breadcrumbs" not in data:
        above = _tree_of(around.read(path.with_name(_INDEX))).get(path.name)
        return Place(path.name, above) if above else None
    return None


def _attached(path: PurePosixPath, around: Around) -> Place | None:
    folder, number = path.parents[2], path.parts[-2]
    for name in around.names(folder):
        if name == f"{number}.html" or name.endswith(f"_{number}.html"):
            page = _read(around.read(folder / name))
            title = page.attachments.get(f"attachments/{number}/{path.name}") if page else None
            if page and title:
                return Place(_named(title, path), (*page.above, page.title), page.author, page.date)
    return None


def _named(title: str, path: PurePosixPath) -> str:
    """An attachment's name in the wiki, with the ending by which it was taken."""
    return title if title.lower().endswith(path.suffix.lower()) else title + path.suffix


@lru_cache(maxsize=8)  # all attachments of a page ask for it
def _read(data: bytes) -> Page | None:
    try:
        tree = parsed(data)
    except LoadError:
        return None
    return None if tree is None else page_of(tree)


@lru_cache(maxsize=2)
def _tree_of(data: bytes) -> dict[str, tuple[str, ...]]:
    """The titles above each page, by its file's name, as the list of pages in the index has them."""
    try:
        tree = parsed(data)
    except LoadError:
        tree = None
    if tree is None:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    space = _space_name(tree)
    for section in _lists_of_pages(tree):
        waiting: list[tuple[Any, tuple[str, ...]]] = [(section, (space,) if space else ())]
        while waiting:
            element, above = waiting.pop()
            for child in element:
                link = child.find("a[@href]") if child.tag == "li" else None
                below = above
                if link is not None:
                    found.setdefault(unquote(link.get("href")), above)
                    below = (*above, headline(flat_text(link)))
                waiting.append((child, below))
    return found


def _sections(tree: Any) -> Iterator[Any]:
    return (e for e in tree.iter("div") if "pageSection" in (e.get("class") or "").split())


def _lists_of_files(tree: Any) -> list[Any]:
    """The lists of attachments below a page."""
    return [s for s in _sections(tree) if s.find(".//h2[@id='attachments']") is not None]


def _lists_of_pages(tree: Any) -> list[Any]:
    """The tree of pages in an index."""
    return [
        s for s in _sections(tree)
        if s.get("id") != "main-content" and s.find(".//h2[@id]") is None
        and any((a.get("href") or "").endswith(".html") for a in s.iterfind(".//ul/li/a"))
    ]  # fmt: skip


def _space_name(tree: Any) -> str:
    """The name in the table of an index: below the space's key."""
    rows = [flat_text(cell) for cell in tree.iterfind(".//*[@id='main-content']//td")]
    return headline(rows[1]) if len(rows) > 1 else ""
