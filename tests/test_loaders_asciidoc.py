"""AsciiDoc: what a reader of the page sees, with its tables, lists and code."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import assert_lawful, load_one, texts

from ingest.loaders.asciidoc import read
from retrieval.errors import LoadError

PAGE = """// internal
= Heating plan
Runa Solberg <runa@example.org>
v1.2, 2024-05-17: approved
:toc:
:office: North house

The boiler of {office} runs from *6* to _22_ o'clock,
see link:plan.html[the plan^] and <<costs,the costs>>.footnote:[Not on Sundays.]

NOTE: Mind the `frost`.

[#costs]
== Costs

.Prices
[cols="1,2*",options="header"]
|===
|Year |Gas |Oil

|2023
.2+|310
|12

|2024 | 9
2+|total a|31
|===

[source,yaml]
----
heating:
  on: [6]  <1>
----
<1> Hours

=== Rooms

* Office
** Desk,
by the window
* Store
. First
. Second

Valve:: Opens at six.
include::secret.txt[]
image::plan.png[The plan, 200]
////
never shown
////
====
An example.
====
"""


def page(folder: Path, source: str) -> Path:
    (folder / "heating.adoc").write_text(source)
    return folder / "heating.adoc"


def test_a_page(tmp_path: Path) -> None:
    document = load_one(page(tmp_path, PAGE))
    assert (document.info.title, document.info.author, document.info.date, document.info.kind) == (
        "Heating plan", "Runa Solberg", "2024-05-17", "wiki",
    )  # fmt: skip
    assert texts(document, "heading") == ["Heating plan", "Costs", "Rooms"]
    assert texts(document, "paragraph") == [
        "The boiler of North house runs from 6 to 22 o'clock,\nsee the plan and the costs. (Not on Sundays.)",
        "NOTE: Mind the frost.", "Prices", "The plan", "An example.",
    ]  # fmt: skip
    assert texts(document, "table") == ["Year | Gas | Oil\n2023 | 310 | 12\n2024 | 310 | 9\ntotal |  | 31"]
    assert texts(document, "code") == ["heating:\n  on: [6]  <1>"]
    assert texts(document, "list")[1] == (
        "- Office\n  - Desk,\nby the window\n- Store\n1. First\n2. Second\n- Valve: Opens at six."
    )
    assert document.blocks[-1].heading == ("Heating plan", "Costs", "Rooms")


def test_other_files_are_not_read_and_comments_not_shown(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("password")
    text = load_one(page(tmp_path, PAGE)).text
    for unwanted in ("password", "secret", "never shown", "internal", "[source", "|==="):
        assert unwanted not in text


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("|===\n|a |b\n|c |d\n|===", "a | b\nc | d"),
        ("[cols=2*]\n|===\n|a\n|b\n|c\n|d \\| e\n|===", "a | b\nc | d | e"),
        (",===\na,\"b,c\"\n,===", "a | b,c"),
        ('[format=csv]\n|===\na,"b,c"\n|===', "a | b,c"),
        ("|===\n3*|x\n|===", "x | x | x"),
        ("++++\n<p>raw <b>HTML</b></p><script>evil()</script>\n++++", "raw HTML"),
        ("----\nnot closed", "not closed"),
        (" indented\n code", "indented\n code"),
        ("https://example.org[site] is at https://example.org", "site is at https://example.org"),
        ("2 * 3 * 4 and snake_case_name", "2 * 3 * 4 and snake_case_name"),
        (":x: {x}{x}\n:x: {x}{x}\n:x: {x}{x}\n{x}", "{x}{x}{x}{x}{x}{x}{x}{x}"),
    ],
)  # fmt: skip
def test_constructs(tmp_path: Path, source: str, text: str) -> None:
    assert load_one(page(tmp_path, source)).text == text


def test_attributes_do_not_grow_without_end(tmp_path: Path) -> None:
    bomb = ":a: lollollollol\n" + ":a: {a}{a}{a}{a}{a}{a}{a}{a}{a}{a}\n" * 30
    assert len(load_one(page(tmp_path, bomb + "\n" + "{a}" * 10)).text) < 20_000


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from(
            ["= T\n", "== H\n", "|===\n", "|a ", ".2+|b ", "3*|", "----\n", "* x\n", "- ", "a:: b\n", ":k: v\n", "{k}",
             "\n", "[cols=2*]\n", "[[x]]", "<<y>>", "word ", "`", "*", "_", "+\n", "////\n", "++++\n", "<b>", "é", "\t",
             ",===\n", '"']
        ),
        max_size=40,
    ).map("".join)
)  # fmt: skip
def test_any_page(source: str) -> None:
    try:
        for document in read(source.encode(), "a.adoc", "a.adoc"):
            assert_lawful(document)
    except LoadError:
        return
