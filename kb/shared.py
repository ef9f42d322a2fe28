"""Which shared index a knowledge base belongs to. A file in its folder names it, so that no other one is published by
mistake."""

from pathlib import Path
from typing import TYPE_CHECKING

from retrieval.errors import UsageError

if TYPE_CHECKING:
    from retrieval.milvus import Milvus

FILE = "index.url"


def shared_index(folder: Path) -> "Milvus | None":
    """The shared index of the knowledge base in `folder`, not yet connected; None when it has an index of its own.
    Raises UsageError when its file names none."""
    try:
        url = (folder / FILE).read_text("utf-8").strip()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise UsageError(f"{folder / FILE} can't be read ({error}): mend or remove it") from error
    from retrieval.milvus import Milvus

    return Milvus(url)


def join(folder: Path, url: str) -> None:
    """Makes the knowledge base in `folder` one of a shared index. Raises UsageError when `url` names none."""
    from retrieval.milvus import Milvus

    if not url.startswith(("http://", "https://")):
        path, mark, name = url.partition("#")
        url = f"{Path(path).resolve()}{mark}{name}"
    Milvus(url)
    (folder / FILE).write_text(f"{url}\n", "utf-8")


def where_it_lies(url: str) -> str:
    """A sentence that says whether documents leave this machine."""
    from generation.endpoint import is_local

    if not url.startswith(("http://", "https://")) or is_local(url):
        return "on this machine"
    unprotected = "" if url.startswith("https://") else ", unencrypted"
    return f"elsewhere: documents, and what is searched, leave this machine{unprotected}"
