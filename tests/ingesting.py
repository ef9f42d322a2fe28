"""Folders to ingest, and what the tests of the ingest ask of the knowledge base that comes of them."""

from pathlib import Path

from helpers import MINILM, model_path
from reportlab.pdfgen.canvas import Canvas
from tokenizers import Tokenizer

from ingest.report import IngestReport
from kb import KnowledgeBase
from retrieval.store import Store
from retrieval.types import Chunk

FACTS = {
    "cellar.md": "# The cellar\n\nThe wine cellar is kept at twelve degrees.\n",
    "garden.md": "# The garden\n\nThe gardener prunes the apple trees in February.\n",
    "office/parking.txt": "Visitors park behind the bakery, never in front of the gate.\n",
    "office/printer.html": "<h1>Printer</h1><p>The printer on the second floor takes A3 paper.</p>",
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def pdf(path: Path, line: str, **options: object) -> Path:
    canvas = Canvas(str(path), invariant=True, **options)
    for number in (1, 2):
        canvas.drawString(72, 720, f"Page {number}. {line}")
        canvas.showPage()
    canvas.save()
    return path


def message(number: int, body: str) -> str:
    return (
        f"From dana@example.org Tue Sep  3 10:{number:02}:00 2024\n"
        f"Message-ID: <{number}@example.org>\nFrom: Dana <dana@example.org>\nSubject: Note {number}\n"
        f"Date: Tue, 03 Sep 2024 10:{number:02}:00 +0000\n\n{body}\n\n"
    )


def counts(report: IngestReport) -> tuple[int, int, int, int]:
    """Documents added, updated, unchanged and removed."""
    return report.added, report.updated, report.unchanged, report.removed


def names(kb: KnowledgeBase) -> list[str]:
    """The file names of the documents, sorted."""
    return sorted(Path(listed.info.doc).name for listed in kb.list())


def best(kb: KnowledgeBase, query: str) -> str:
    """The file name of the best hit; empty when there is none."""
    hits = kb.search(query).hits
    return Path(hits[0].info.doc).name if hits else ""


def chunks(folder: Path) -> dict[int, tuple[Chunk, str]]:
    """Every chunk of the knowledge base in `folder` with its document's text, by id. Ids are never used twice, so
    a chunk that keeps its id was not embedded again."""
    query = (
        'SELECT c.id, c.start, c."end", c.header, d.text FROM chunks c JOIN documents d ON d.id = c.document_id '
        "WHERE c.space_id = (SELECT value FROM meta WHERE key = 'active_space')"
    )
    with Store.open(folder) as store:
        rows = store.connection.execute(query).fetchall()
    return {row[0]: (Chunk(row[1], row[2], header=row[3]), row[4]) for row in rows}


def longest(folder: Path) -> int:
    """Tokens of the longest chunk as the embedder reads it: header, text and the model's own two tokens."""
    tokenizer = Tokenizer.from_file(str(model_path(MINILM) / "tokenizer.json"))
    tokenizer.no_truncation()
    return max(
        len(tokenizer.encode(f"{c.header}\n{text[c.start : c.end]}").ids)
        for c, text in chunks(folder).values()
    )
