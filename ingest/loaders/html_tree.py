"""Pages as trees of elements. lxml only parses: nothing is executed, nothing fetched, and its HTML parser expands no
entities of the document's own.

lxml is used directly: it reads 10 to 20 times faster than through BeautifulSoup, and its walk over a tree does not
recurse, so that no depth of nesting is too deep.
"""

import re
from typing import Any

from lxml import etree
from lxml import html as lxml_html

from ingest.loaders.plain import decode
from retrieval.errors import LoadError
from retrieval.text import clean, one_line


def parsed(data: bytes) -> Any:
    """The page in a file, in the charset that it says it is in; None when there is nothing to parse."""
    match = re.search(rb"(?:charset|encoding)\s*=\s*[\"']?\s*([\w-]+)", data[:4096], re.IGNORECASE)
    return parsed_markup(decode(data, match.group(1).decode() if match else None))


def parsed_markup(markup: str) -> Any:
    """The page as a tree, None when there is nothing to parse. Raises LoadError when it is nested too deeply."""
    parser = lxml_html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, huge_tree=True)
    try:
        tree = lxml_html.document_fromstring(clean(markup).encode(), parser=parser)
    except etree.ParserError:
        return None
    if any(
        "depth" in entry.message for entry in parser.error_log
    ):  # what lies deeper than 2,048 is not there
        raise LoadError("it is nested too deeply to be read")
    return tree


def flat_text(element: Any) -> str:
    """All text in an element, on one line; none when it is None."""
    return "" if element is None else one_line("".join(element.itertext()))
