"""Files that generators of documentation (Sphinx, MkDocs) put beside the pages that they make: indexes for a search,
and copies of the pages' sources. All that is in them also stands in the pages."""

from pathlib import PurePosixPath

from ingest.loaders.place import Around, Place

_SPHINX_INDEX = "searchindex.js"
_SPHINX_PAGES = ("genindex.html", "search.html", "py-modindex.html")


def place_of(path: PurePosixPath, around: Around) -> Place | None:
    """The place of such a file, None for others."""
    folder = path.parent
    if "_sources" in path.parts[:-1]:
        sources = path.parents[len(path.parts) - 2 - path.parts.index("_sources")]
        repeated = _SPHINX_INDEX in around.names(sources.parent)
    elif path.name in _SPHINX_PAGES or (path.name.startswith("genindex-") and path.suffix == ".html"):
        repeated = _SPHINX_INDEX in around.names(folder)
    else:
        is_index = path.name == "search_index.json" and folder.name == "search"
        repeated = is_index and "index.html" in around.names(folder.parent)
    return Place(path.name, repeated=True) if repeated else None
