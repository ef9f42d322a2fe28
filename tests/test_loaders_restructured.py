"""reStructuredText: what a reader of the built page sees; what would read other files or make output does nothing."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import assert_lawful, load_one, texts

from ingest.loaders.restructured import read
from retrieval.errors import LoadError

PEP = """\
PEP: 386
Title: Comparing \\*versions\\*
Author: Tarek Ziadé <tarek@example.org>
Status: Superseded
Created: 04-Jun-2009
Resolution: `05-Mar-2012 <https://example.org/thread>`__
Superseded-By: 440

Abstract
========

Superseded by :pep:`440`. See `the thread <https://example.org>`_ and |it|.

.. |it| replace:: this
"""
SPHINX = """\
.. _top:

Heating
#######

:author: Runa Solberg
:date: 2024-05-17

.. toctree::
   :maxdepth: 2

   other

The ``boiler`` runs from *6* to 22, see :ref:`costs <top>` and :py:func:`~valve.open`.

.. deprecated:: 2.0
   Use the pump.

.. py:function:: open(valve)

   Opens it.

Costs
=====

===== === ===
Year  EUR Oil
===== === ===
2023  310 12
2024  395
===== === ===

+------+-----+-----+
| Room | Degrees   |
+======+=====+=====+
| Hall | 19  | 21  |
+      +-----+-----+
|      | 18  | 20  |
+------+-----+-----+

- Office

  - Desk
- Store

3. three
4. four

.. code-block:: yaml
   :linenos:

   on:  6

.. note:: Mind the frost.

Note [1]_

.. [1] In March.
"""


def page(folder: Path, source: str) -> Path:
    (folder / "heating.rst").write_text(source, "utf-8")
    return folder / "heating.rst"


def test_a_proposal_says_what_became_of_it(tmp_path: Path) -> None:
    """Whether it was accepted, when, and what took its place is what people ask about decisions."""
    document = load_one(page(tmp_path, PEP))
    assert (document.info.title, document.info.author, document.info.date) == (
        "Comparing *versions*", "Tarek Ziadé <tarek@example.org>", "2012-03-05",
    )  # fmt: skip
    assert "Status: Superseded" in document.text and "Superseded-By: 440" in document.text
    assert "Superseded by PEP 440. See the thread and it." in document.text


def test_a_page_for_sphinx(tmp_path: Path) -> None:
    document = load_one(page(tmp_path, SPHINX))
    assert (document.info.title, document.info.author, document.info.date) == (
        "Heating",
        "Runa Solberg",
        "2024-05-17",
    )
    assert texts(document, "heading") == ["Heating", "Costs"]
    assert document.blocks[-1].heading == ("Heating", "Costs")
    assert texts(document, "table") == [
        "Year | EUR | Oil\n2023 | 310 | 12\n2024 | 395", "Room | Degrees\nHall | 19 | 21\nHall | 18 | 20",
    ]  # fmt: skip
    assert texts(document, "list") == ["- Office\n  - Desk\n- Store\n3. three\n4. four"]
    assert texts(document, "code") == ["on:  6"]
    paragraphs = texts(document, "paragraph")
    assert "The boiler runs from 6 to 22, see costs and valve.open." in paragraphs
    assert {
        "deprecated: 2.0 Use the pump.",
        "py:function: open(valve)",
        "Opens it.",
        "Mind the frost.",
    } <= {*paragraphs}
    assert "[1] In March." in paragraphs
    for silent in ("toctree", "other", "maxdepth", "linenos", "_top"):
        assert silent not in document.text


@pytest.mark.parametrize(
    "directive",
    [
        ".. include:: secret.txt", ".. literalinclude:: secret.txt", ".. raw:: html\n   :file: secret.txt",
        ".. csv-table::\n   :file: secret.txt", ".. figure:: secret.txt\n   :figwidth: image", ".. image:: secret.txt",
        ".. raw:: html\n\n   <script>password</script>", ".. |x| include:: secret.txt\n\n|x|",
        ".. INCLUDE:: secret.txt", ".. role:: raw-html(raw)\n   :format: html\n\n:raw-html:`<b>`",
    ],
)  # fmt: skip
def test_nothing_is_inserted(tmp_path: Path, directive: str) -> None:
    (tmp_path / "secret.txt").write_text("password")
    document = load_one(page(tmp_path, f"Words.\n\n{directive}\n\nMore."))
    assert "password" not in document.text and "Words." in document.text and "More." in document.text


@pytest.mark.parametrize(
    "source", ["> " * 2000 + "deep", "\n\n".join(" " * n + "deep" for n in range(1500)), "* " * 9000]
)
def test_what_is_nested_without_end_is_read_as_plain_text(tmp_path: Path, source: str) -> None:
    assert load_one(page(tmp_path, source)).text.strip()


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from(
            ["T\n=\n", "H\n--\n", "* x\n", "1. y\n", "  ", ":a: b\n", ".. note:: x\n", ".. x:y:: z\n", ":r:`t <u>`",
             "|s|", "`a`_", "\n", "\n\n", "::\n\n", "+--+\n|a |\n+--+\n", "== ==\na  b\n== ==\n", "[1]_", ".. [1] f\n",
             "é", "\\", "\x0c", "word "]
        ),
        max_size=40,
    ).map("".join)
)  # fmt: skip
def test_any_page(source: str) -> None:
    try:
        for document in read(source.encode(), "a.rst", "a.rst"):
            assert_lawful(document)  # type: ignore[arg-type]
    except LoadError:
        return
