"""Notebooks and JSON: values with their names, text with its headings, and nothing that hangs."""

import json
from pathlib import Path

import pytest
from loading import load, load_one, texts

from retrieval.errors import LoadError


def write(folder: Path, name: str, value: object) -> Path:
    path = folder / name
    path.write_text(value if isinstance(value, str) else json.dumps(value), encoding="utf-8")
    return path


def test_a_notebook_keeps_headings_over_cells_code_and_printed_results(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# Churn\n", "\n", "Why they leave."]},
        {
            "cell_type": "code",
            "source": "print('```')\nrate",
            "outputs": [
                {"output_type": "stream", "text": ["# 3 left\n"]},
                {"output_type": "display_data", "data": {"image/png": "AAAA", "text/plain": "0.25"}},
            ],
        },
        {"cell_type": "markdown", "source": "So: 25 %."},
    ]
    page = load_one(write(tmp_path, "a.ipynb", {"nbformat": 4, "cells": cells}))
    assert page.info.title == "Churn"
    assert texts(page, "heading") == ["# Churn"]
    assert texts(page, "code") == ["````\nprint('```')\nrate\n````", "```\n# 3 left\n```", "```\n0.25\n```"]
    assert all(block.heading == ("Churn",) for block in page.blocks)
    assert page.text.endswith("So: 25 %.") and "AAAA" not in page.text


@pytest.mark.parametrize(
    "value", ["{", [1], {"cells": 3}, {"cells": [1, {"source": 5, "outputs": {"a": 1}}]}, {"worksheets": []}]
)
def test_what_is_no_notebook_is_said_in_a_sentence(tmp_path: Path, value: object) -> None:
    with pytest.raises(LoadError, match=r"not JSON|no cells|no text"):
        load(write(tmp_path, "a.ipynb", value))


def test_every_value_of_json_stands_with_its_path(tmp_path: Path) -> None:
    value = {
        "name": "Wren",
        "sizes": [1, 2.5],
        "maker": {"city": "Graz", "since": None, "open": True},
        "x": {},
    }
    page = load_one(write(tmp_path, "a.json", value))
    assert texts(page, "code") == [
        "name: Wren",
        "sizes: 1\nsizes: 2.5",
        "maker.city: Graz\nmaker.since: null\nmaker.open: true",
    ]


def test_records_are_blocks_of_their_own(tmp_path: Path) -> None:
    records = [{"id": 1, "say": "two\nlines"}, {"id": 2, "say": "ende \u202e"}]
    expected = ["id: 1\nsay: two lines", "id: 2\nsay: ende"]
    assert texts(load_one(write(tmp_path, "a.json", records)), "code") == expected
    assert (
        texts(load_one(write(tmp_path, "a.jsonl", "\n\n".join(map(json.dumps, records)))), "code") == expected
    )


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("[" * 100_000, "nested|not JSON"),
        ('{"' + "k" * 300 + '":' + "[" * 500 + "1" + "]" * 500 + "}", ""),
        ("9" * 5000, "not JSON"),
        ({"a": []}, "no value"),
        ('{"a": 1} trailing', "not JSON"),
    ],
)
def test_nasty_json_is_refused_or_bounded(tmp_path: Path, value: object, reason: str) -> None:
    path = write(tmp_path, "a.json", value)
    if not reason:
        assert load_one(path).text.endswith("k: 1")
        return
    with pytest.raises(LoadError, match=reason):
        load(path)
