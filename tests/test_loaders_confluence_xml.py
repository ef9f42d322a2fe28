"""Confluence's XML exports: the pages as they are now, in their places, however the export is packed."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from loading import load, texts

from ingest.loaders import has_loader
from retrieval.errors import LoadError

BODY = """<h2>Costs</h2><p>See <ac:link><ri:page ri:content-title="Lift" /></ac:link> and <ac:link><ri:page
ri:content-title="Lift" /><ac:plain-text-link-body><![CDATA[the lift]]></ac:plain-text-link-body></ac:link>.</p>
<table><tbody><tr><th>Year</th><th>EUR</th></tr><tr><td>2024</td><td>395</td></tr></tbody></table>
<ac:structured-macro ac:name="code"><ac:parameter ac:name="language">bash</ac:parameter>
<ac:plain-text-body><![CDATA[if a < b; then
  open]]></ac:plain-text-body></ac:structured-macro>
<ac:structured-macro ac:name="info"><ac:rich-text-body><p>Mind the frost.</p></ac:rich-text-body>
</ac:structured-macro>"""


def thing(kind: str, identifier: str, more: str) -> str:
    return f'<object class="{kind}" package="x"><id name="id">{identifier}</id>{more}</object>'


def prop(name: str, value: str) -> str:
    return f'<property name="{name}"><![CDATA[{value.replace("]]>", "]] >")}]]></property>'


def link(name: str, identifier: str) -> str:
    return f'<property name="{name}" class="x" package="x"><id name="id">{identifier}</id></property>'


def page(identifier: str, title: str, more: str = "", status: str = "current") -> str:
    dates = '<property name="lastModificationDate">2024-05-17 09:30:00.000</property>'
    return thing(
        "Page",
        identifier,
        prop("title", title) + prop("contentStatus", status) + link("space", "9") + dates + more,
    )


def body(identifier: str, of: str, text: str) -> str:
    return thing("BodyContent", identifier, prop("body", text) + link("content", of))


def export(*objects: str) -> str:
    head = '<?xml version="1.0" encoding="UTF-8"?>\n<hibernate-generic datetime="x">'
    return f"{head}{''.join(objects)}</hibernate-generic>"


ENTITIES = export(
    body("51", "1", ""), body("52", "2", BODY), body("53", "3", "<p>old words</p>"), body("54", "4", "<p>binned</p>"),
    page("1", "Buildings"), page("2", "Heating plan", link("parent", "1") + link("lastModifier", "u1")),
    page("3", "Heating plan", link("originalVersion", "2")), page("4", "Gone", status="deleted"),
    thing("Space", "9", prop("name", "Operations")),
    '<object class="ConfluenceUserImpl" package="x"><id name="key">u1</id>' + prop("name", "runa") + "</object>",
    thing("Bandana", "7", prop("value", "settings")),
)  # fmt: skip


@pytest.mark.parametrize("packed", [False, True], ids=["folder", "zip"])
def test_current_pages_in_their_places(tmp_path: Path, packed: bool) -> None:
    path = tmp_path / "entities.xml"
    path.write_text(ENTITIES, "utf-8")
    if packed:
        with ZipFile(tmp_path / "space.zip", "w") as archive:
            archive.write(path, "entities.xml")
        path = tmp_path / "space.zip"
    assert has_loader(path)
    documents, failures = load(path)
    assert not failures
    assert [(d.info.title, d.blocks[0].heading) for d in documents] == [
        ("Buildings", ("Operations", "Buildings")), ("Heating plan", ("Operations", "Buildings", "Heating plan")),
    ]  # fmt: skip
    plan = documents[1]
    assert plan.info.part.endswith("Operations/Buildings/Heating plan")
    assert (plan.info.author, plan.info.date) == ("runa", "2024-05-17")
    assert texts(plan, "paragraph") == ["See Lift and the lift.", "Mind the frost."]
    assert texts(plan, "table") == ["Year | EUR\n2024 | 395"]
    assert texts(plan, "code") == ["if a < b; then\n  open"]


def test_pages_in_a_circle_and_of_one_name_end(tmp_path: Path) -> None:
    circle = [page("1", "A", link("parent", "2")), page("2", "A", link("parent", "1"))]
    (tmp_path / "e.xml").write_text(export(*circle, body("5", "1", "x"), body("6", "2", "y")))
    documents, _ = load(tmp_path / "e.xml")
    assert len({d.info.part for d in documents}) == 2


@pytest.mark.parametrize(
    "source",
    [
        "<hibernate-generic>", export(), export(thing("Page", "1", "<a/>" * 100_001)),
        '<!DOCTYPE x [<!ENTITY s SYSTEM "file:///etc/passwd">]>' + export(thing("Space", "1", "&s;")),
    ],
)  # fmt: skip
def test_what_is_damaged_or_made_to_harm_is_refused(tmp_path: Path, source: str) -> None:
    (tmp_path / "e.xml").write_text(source)
    with pytest.raises(LoadError):
        load(tmp_path / "e.xml")


def test_comments_stand_below_their_page_and_unread_attachments_are_said(tmp_path: Path) -> None:
    objects = (
        page("1", "Lift"), body("5", "1", "<p>Checked in April.</p>"),
        thing("Comment", "2", link("containerContent", "1")), body("6", "2", "<p>By whom?</p>"),
        thing("Attachment", "3", prop("title", "plan.pdf")),
    )  # fmt: skip
    (tmp_path / "e.xml").write_text(export(*objects))
    documents, failures = load(tmp_path / "e.xml")
    assert [(d.text, d.blocks[0].heading) for d in documents] == [
        ("Lift\n\nChecked in April.", ("Lift",)), ("Comment\n\nBy whom?", ("Lift", "Comment")),
    ]  # fmt: skip
    assert [f.part for f in failures] == ["attachments"] and "as HTML" in failures[0].reason
