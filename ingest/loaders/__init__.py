"""Which loader reads which file."""

from pathlib import Path

from ingest.document import Loader
from ingest.loaders.html import load_html
from ingest.loaders.mail import load_eml, load_maildir, load_mbox
from ingest.loaders.markdown import load_markdown
from ingest.loaders.pdf import load_pdf
from ingest.loaders.plain import load_text

# Bump when a loader would read the same file differently: files are then read in again.
LOADERS_VERSION = 1

LOADERS: dict[str, Loader] = {
    ".md": load_markdown, ".markdown": load_markdown,
    ".txt": load_text, ".text": load_text, ".log": load_text, ".rst": load_text, ".csv": load_text,
    ".html": load_html, ".htm": load_html, ".xhtml": load_html,
    ".eml": load_eml, ".mbox": load_mbox, ".mbx": load_mbox,
    ".pdf": load_pdf,
}  # fmt: skip


def is_maildir(path: Path) -> bool:
    """Whether `path` is a Maildir: a folder with cur, new and tmp in it (https://cr.yp.to/proto/maildir.html)."""
    return all((path / name).is_dir() for name in ("cur", "new", "tmp"))


def loader_for(path: Path) -> Loader | None:
    """The loader for a file by its name's ending, None when there is none for it."""
    return load_maildir if is_maildir(path) else LOADERS.get(path.suffix.lower())
