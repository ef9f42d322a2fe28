"""Notion's exports, as a folder and as a zip (which holds another zip): names without ids, pages in their places."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from loading import load, load_one

from ingest.document import Document

A, B, C, D = (digit * 32 for digit in "abcd")
PLAN = """# Launch plan

Last edited by: Runa Solberg
Last edited time: March 3, 2025 4:15 PM
Status: In review

The launch moves to September.
"""
ROW = "# Antenna\n\nOwner: Ines Moreau\nDue: May 6, 2025\n\nThe supplier was late twice.\n"
PAGE = """<html><head><meta charset="utf-8"/><title>Launch plan</title></head><body>
<article id="x" class="page sans"><header><h1 class="page-title">Launch plan</h1><table class="properties"><tbody>
<tr class="property-row property-row-created_by"><th><span class="icon property-icon"><svg></svg></span>Created by</th>
<td><span class="user">Dana Okafor</span></td></tr>
<tr class="property-row property-row-last_edited_time"><th>Edited</th><td><time>@March 3, 2025 4:15 PM</time></td></tr>
</tbody></table></header><div class="page-body"><p>The launch moves to September.</p></div></article></body></html>"""


def export(ids_in_folders: bool) -> Iterator[tuple[str, str]]:
    plan, tasks = ("Launch plan", "Tasks") if not ids_in_folders else (f"Launch plan {A}", f"Tasks {B}")
    yield f"Launch plan {A}.md", PLAN
    yield f"{plan}/Tasks {B}.csv", 'Name,Due\nAntenna,"May 6, 2025"\n'
    yield f"{plan}/Tasks {B}_all.csv", 'Name,Due,Owner\nAntenna,"May 6, 2025",Ines Moreau\n'
    yield f"{plan}/{tasks}/Antenna {C}.md", ROW
    yield f"{plan}/{tasks}/quote.txt", "4,200 EUR"


@pytest.fixture(params=[True, False], ids=["ids in folders", "bare folders"])
def members(request: pytest.FixtureRequest) -> dict[str, str]:
    return dict(export(request.param))


def seen(document: Document) -> tuple[str, tuple[str, ...], str | None, str | None]:
    return document.info.title, document.blocks[0].heading, document.info.author, document.info.date


EXPECTED = {
    f"Launch plan {A}.md": ("Launch plan", ("Launch plan",), "Runa Solberg", "2025-03-03"),
    f"Tasks {B}_all.csv": ("Tasks", ("Launch plan",), None, None),
    f"Antenna {C}.md": ("Antenna", ("Launch plan", "Tasks", "Antenna"), "Ines Moreau", None),
    "quote.txt": ("quote", ("Launch plan", "Tasks"), None, None),
}


def test_a_folder(tmp_path: Path, members: dict[str, str]) -> None:
    found = {}
    for name, content in members.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    for name in members:
        documents, failures = load(tmp_path / name)
        assert not failures
        # The table of the current view repeats a part of the whole one.
        found |= {Path(name).name: seen(document) for document in documents}
    assert found == EXPECTED


def test_a_zip_in_a_zip(tmp_path: Path, members: dict[str, str]) -> None:
    inner, path = BytesIO(), tmp_path / f"{D}_Export.zip"
    with ZipFile(inner, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    with ZipFile(path, "w") as archive:
        archive.writestr("Export-Part-1.zip", inner.getvalue())
    documents, failures = load(path)
    assert not failures
    assert {Path(d.info.part).name: seen(d) for d in documents} == EXPECTED


def test_a_page_of_an_html_export(tmp_path: Path) -> None:
    (tmp_path / f"Launch plan {A}.html").write_text(PAGE)
    document = load_one(tmp_path / f"Launch plan {A}.html")
    assert seen(document) == ("Launch plan", ("Launch plan",), "Dana Okafor", "2025-03-03")
    assert "The launch moves to September." in document.text


def test_what_is_no_export_stays_as_it_is(tmp_path: Path) -> None:
    """A hash in a name is no reason to lose it: it may be all that the name is."""
    for name in (f"{A}.txt", f"deadbeef{A}.txt", f"report-{A[:31]}.txt"):
        (tmp_path / name).write_text("words")
        assert load_one(tmp_path / name).info.title == Path(name).stem.replace("-", " ")
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan.md").write_text("# Plan")
    (tmp_path / "plan/b.md").write_text("# B")
    assert load_one(tmp_path / "plan/b.md").blocks[0].heading == ("B",)
