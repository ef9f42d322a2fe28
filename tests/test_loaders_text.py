"""Plain text and Markdown: what the page says, where it says it, and what it is called."""

from pathlib import Path

import pytest
from loading import DATA, load, load_one, texts

from ingest.loaders.dates import day, day_in_name
from retrieval.errors import LoadError


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_wiki_page_keeps_its_structure() -> None:
    page = load_one(DATA / "markdown/wiki-page.md")
    assert page.info.title == "Release process: how we ship"
    assert page.info.author == "Ida Ferrant, Tobias Krull"
    assert page.info.date == "2024-09-03"  # updated, not created; with dots the day comes first
    assert page.text.startswith("# Release **process**")  # the front matter is no text of the page
    kinds = [block.kind for block in page.blocks]
    assert kinds[:6] == ["heading", "paragraph", "heading", "list", "table", "code"]
    assert texts(page, "list") == ["- first item\n  - nested item\n- second item"]
    assert texts(page, "table")[0].count("\n") == 3
    paths = {block.kind: block.heading for block in page.blocks}
    assert paths["code"] == ("Release process", "C# builds")  # "C#" keeps its sign, emphasis does not show
    assert page.blocks[-1].heading == ("Release process", "Results")  # an underlined heading is one


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("## Minor\n\n# Major\n\ntext", "Major"),
        ("## Only a second level\n\ntext", "Only a second level"),
        ("text\n\n## Later\n", "meeting notes"),
        ("text", "meeting notes"),
        ("#\n\ntext", "meeting notes"),
        ("---\ntitle: 2024\n---\ntext", "2024"),
        ("---\ntitle: Plan B: the details\ndate: 2024-05-01\n---\n# Other\ntext", "Plan B: the details"),
        ("---\ntitle: [a, b\n---\n# Page\ntext", "Page"),
        ("---\n- a list\n---\n# Page\ntext", "Page"),
        ("---\n---\n# Page\ntext", "Page"),
    ],
)
def test_a_page_has_the_title_that_its_author_gave_it(tmp_path: Path, source: str, title: str) -> None:
    assert load_one(write(tmp_path, "meeting-notes.md", source)).info.title == title


def test_front_matter_that_is_no_yaml_is_text_and_does_not_become_a_heading(tmp_path: Path) -> None:
    page = load_one(write(tmp_path, "a.md", "---\ntitle: Plan B: the details\nstatus: draft\n---\n# H\nx"))
    assert "status: draft" in page.text
    assert [block.heading for block in page.blocks if block.kind == "heading"] == [("H",)]


def test_front_matter_cannot_fill_memory_or_run_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bomb = load_one(DATA / "markdown/front-matter-bomb.md")
    assert bomb.info.title == "Still a page" and len(bomb.text) < 1000
    assert load_one(DATA / "markdown/front-matter-object.md").text == "Nothing was executed.\n"
    assert not list(tmp_path.iterdir())


def test_a_heading_without_end_does_not_multiply(tmp_path: Path) -> None:
    page = load_one(write(tmp_path, "long.md", "# " + "word " * 20_000 + "\n\n" + "text\n\n" * 50))
    assert max(len(name) for block in page.blocks for name in block.heading) <= 300


@pytest.mark.parametrize(
    "content",
    ["Zürich\r\nzweite Zeile".encode(), "Zürich\rzweite Zeile".encode("utf-8-sig"),
     "Zürich\nzweite Zeile".encode("utf-16"), "Zürich\nzweite Zeile".encode("cp1252")],
)  # fmt: skip
def test_text_is_read_in_the_encodings_that_people_save_it_in(tmp_path: Path, content: bytes) -> None:
    assert load_one(write(tmp_path, "a.txt", content)).text == "Zürich\nzweite Zeile"


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("cp1252", "Le café est fermé à midi, l’élève est naïf – voilà."),
        ("cp1250", "Zażółć gęślą jaźń, dzień dobry wszystkim w biurze"),
        ("cp1251", "Привет, как дела? Это письмо о запуске продукта"),
        ("shift_jis", "これは日本語のテキストです。会議の議事録。"),
        ("gb18030", "这是一个中文文本。会议纪要。"),
    ],
)
def test_text_without_a_declared_charset_is_guessed_right(tmp_path: Path, charset: str, text: str) -> None:
    assert load_one(write(tmp_path, "a.txt", text.encode(charset))).text == text


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.md", bytes(range(256)) * 20, "does not look like text"),
        ("a.txt", b"\x89PNG\r\n\x1a\n" + b"\0\x01\x02\x03" * 100, "does not look like text"),
        ("a.md", b"", "empty"),
        ("a.txt", b" \n\t\n", "empty"),
        ("a.md", b"---\ntitle: x\n---\n", "nothing but front matter"),
    ],
)
def test_what_is_no_text_says_so_in_one_sentence(
    tmp_path: Path, name: str, content: bytes, reason: str
) -> None:
    with pytest.raises(LoadError, match=reason) as error:
        load(write(tmp_path, name, content))
    assert "\n" not in str(error.value)


def test_a_huge_text_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.log"
    with path.open("wb") as file:
        file.truncate(3 << 30)  # a hole: reading it would give 3 GB of NULs
    with pytest.raises(LoadError, match="3072 MB"):
        load(path)
    path = write(tmp_path, "large.txt", b"a line\n" * (10 << 20))
    with pytest.raises(LoadError, match="70 MB"):
        load(path)


def test_what_drives_a_terminal_is_not_in_the_text(tmp_path: Path) -> None:
    log = load_one(
        write(tmp_path, "run.log", "\x1b[31mERROR\x1b[0m disk full\x07\n\x1b]0;title\x07ok \u202eevil")
    )
    assert log.text.startswith("ERROR disk full\n") and "\x1b" not in log.text and "\u202e" not in log.text


def test_a_csv_file_is_a_table(tmp_path: Path) -> None:
    table = load_one(write(tmp_path, "budget_2024.csv", "item,eur\nhall,900\nlights,120\n"))
    assert (
        texts(table, "table") == ["item | eur\nhall | 900\nlights | 120"]
        and table.info.title == "budget 2024"
    )


def test_a_cell_of_several_lines_stays_in_its_row_and_semicolons_part_cells_too(tmp_path: Path) -> None:
    table = load_one(write(tmp_path, "a.csv", 'item;price, eur\n"hall\nwest";"9,50"\n\nlamp;;\n'))
    assert texts(table, "table") == ["item | price, eur\nhall west | 9,50\nlamp"]


def test_a_quote_that_is_never_closed_swallows_nothing(tmp_path: Path) -> None:
    rows = "".join(f"{n}\tplain\n" for n in range(20_000))
    table = load_one(write(tmp_path, "a.tsv", 'size\tof\n"5 inch\tscreen\n' + rows))
    assert table.text.startswith('size | of\n"5 inch | screen\n0 | plain\n')
    assert table.text.endswith("19999 | plain")


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2024-09-03", "2024-09-03"), ("2024-09-03T23:30:00-08:00", "2024-09-03"), ("3.9.2024", "2024-09-03"),
        ("9/3/2024", "2024-09-03"), ("3 September 2024", "2024-09-03"), ("September 3, 2024", "2024-09-03"),
        ("September 2024", None), ("2024", None), ("Monday", None), ("10", None), ("next week", None), ("", None),
        ("2024-13-45", None), ("9" * 5000, None), (["2024-09-03"], None), (None, None),
    ],
)  # fmt: skip
def test_a_date_is_what_was_written_and_never_filled_up_with_today(
    written: object, meant: str | None
) -> None:
    assert day(written) == meant


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("2024-03-05-standup.md", "2024-03-05"),
        ("notes_20240305.md", "2024-03-05"),
        ("2024_03_05.md", "2024-03-05"),
        ("2024-02-30-standup.md", None),  # no such day
        ("2024-03-05-to-2024-03-07.md", None),  # which of them is left open
        ("ticket-120240305.md", None),
        ("build-20240305123.md", None),
        ("release-1.2024.03.05.md", None),
        ("roadmap-2024.md", None),
    ],
)
def test_a_day_in_a_file_name_is_found_and_none_made_up(name: str, found: str | None) -> None:
    """Daily notes say their day in their names only: without it no question about a week finds them."""
    assert day_in_name(name) == found


def test_front_matter_says_a_page_s_date_before_its_file_name(tmp_path: Path) -> None:
    """A note that was changed later would be taken for older than it is."""
    assert load_one(write(tmp_path, "2024-03-05-standup.md", "# Standup\ntext")).info.date == "2024-03-05"
    dated = write(tmp_path, "2024-03-05-retro.md", "---\nupdated: 2024-04-01\n---\n# Retro\ntext")
    assert load_one(dated).info.date == "2024-04-01"


def test_links_of_wikis_are_their_words_in_titles_and_authors(tmp_path: Path) -> None:
    """Obsidian, GitLab and GitHub write [[page|label]]; "[[Plan|the plan]]" would be a strange title."""
    head = '---\nauthor: "[[Dana Okafor]]"\nlast-modified: 2024-05-17\n---\n'
    source = head + "# About [[Plan|the plan]] and ![[Map]]\n\n> [!note] Mind\n> the frost.\n"
    (tmp_path / "a.md").write_text(source)
    document = load_one(tmp_path / "a.md")
    assert (document.info.title, document.info.author, document.info.date) == (
        "About the plan and Map", "Dana Okafor", "2024-05-17",
    )  # fmt: skip
    assert "> [!note] Mind\n> the frost." in document.text


@pytest.mark.parametrize(
    ("head", "title", "date"),
    [
        ('title = "Plan"\ndate = 2024-05-17T10:00:00Z\nauthor = "Dana"\n', "Plan", "2024-05-17"),
        ("title = 'Plan'\nlastmod = 2024-05-17\n", "Plan", "2024-05-17"),
        ("no toml", "a", None),
        ("x = " + "[" * 5000, "a", None),
    ],
)
def test_front_matter_may_be_toml(tmp_path: Path, head: str, title: str, date: str | None) -> None:
    (tmp_path / "a.md").write_text(f"+++\n{head}\n+++\n\nWords.\n")
    document = load_one(tmp_path / "a.md")
    assert (document.info.title, document.info.date) == (title, date)
    assert document.text == "Words.\n" or date is None
