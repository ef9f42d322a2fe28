"""Walking a folder: everything that can be read is found once, and nothing is touched that could bite."""

import inspect
import mailbox
import os
import socket
import sys
from pathlib import Path

import pytest

from ingest.walk import walk


def make(root: Path, *names: str) -> None:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text("text")


def names(root: Path) -> list[str]:
    return [found.path.relative_to(root).as_posix() for found in walk(root).found]


def test_files_are_found_in_the_order_of_their_paths(tmp_path: Path) -> None:
    make(tmp_path, "b.md", "a/z.txt", "a/deep/er/page.HTML", "c.pdf", "d.eml", "e.mbox", "B.Md")
    assert names(tmp_path) == ["B.Md", "a/deep/er/page.HTML", "a/z.txt", "b.md", "c.pdf", "d.eml", "e.mbox"]
    (first, *_) = walk(tmp_path / "a").found
    status = first.path.stat()
    assert (first.size, first.mtime_ns) == (status.st_size, status.st_mtime_ns)


def test_hidden_files_and_foreign_folders_are_left_out(tmp_path: Path) -> None:
    make(tmp_path, ".git/x.md", ".secret.md", "node_modules/lib/readme.md", "src/__pycache__/a.txt", "ok.md")
    assert names(tmp_path) == ["ok.md"]


def test_a_hidden_folder_that_is_named_by_the_user_is_walked(tmp_path: Path) -> None:
    make(tmp_path, ".notes/x.md")
    assert names(tmp_path / ".notes") == ["x.md"]


def test_files_without_a_loader_are_counted(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "photo.gif", "program", "firmware.bin.gz")
    assert (len(walk(tmp_path).found), walk(tmp_path).skipped) == (1, 3)


def test_a_root_may_be_a_file_or_a_link_to_a_folder(tmp_path: Path) -> None:
    make(tmp_path, "real/a.md")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [found.path for found in walk(tmp_path / "real/a.md").found] == [tmp_path / "real/a.md"]
    assert names(tmp_path / "link") == ["a.md"]


def test_links_lead_neither_out_nor_round_in_circles(tmp_path: Path) -> None:
    make(tmp_path, "root/a.md", "outside/private.md")
    (tmp_path / "root/out").symlink_to(tmp_path / "outside")
    (tmp_path / "root/loop").symlink_to(tmp_path / "root")
    (tmp_path / "root/file.md").symlink_to(tmp_path / "outside/private.md")
    (tmp_path / "root/dangling.md").symlink_to(tmp_path / "nowhere")
    assert names(tmp_path / "root") == ["a.md"]
    assert walk(tmp_path / "root").failures == []


def test_pipes_and_sockets_are_never_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(tmp_path, "a.md")
    os.mkfifo(tmp_path / "pipe.md")  # opening it would wait for ever
    monkeypatch.chdir(tmp_path)  # a socket's path has at most 108 bytes
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.md")
        assert names(tmp_path) == ["a.md"]


def test_folders_nested_more_deeply_than_calls_are_walked(tmp_path: Path) -> None:
    make(tmp_path, "d/" * 150 + "a.md")
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(len(inspect.stack(0)) + 100)
    try:
        walked = walk(tmp_path)
    finally:
        sys.setrecursionlimit(limit)
    assert len(walked.found) == 1 and not walked.failures


@pytest.mark.skipif(os.geteuid() == 0, reason="the administrator may read everything")
def test_a_folder_that_may_not_be_read_is_reported(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "closed/b.md")
    (tmp_path / "closed").chmod(0)
    try:
        walked = walk(tmp_path)
    finally:
        (tmp_path / "closed").chmod(0o700)
    assert [found.path.name for found in walked.found] == ["a.md"]
    assert [failure.part for failure in walked.failures] == [str(tmp_path / "closed")]


def test_what_vanished_is_reported_and_not_raised(tmp_path: Path) -> None:
    (failure,) = walk(tmp_path / "gone.md").failures
    assert failure.part.endswith("gone.md") and "No such file" in failure.reason


def test_a_maildir_is_one_file_and_changes_with_its_messages(tmp_path: Path) -> None:
    box = mailbox.Maildir(tmp_path / "Mail")
    key = box.add(b"Subject: one\n\n1\n")
    box.add_folder("Sent").add(b"Subject: two\n\n2\n")  # lies in Mail/.Sent
    assert names(tmp_path) == ["Mail", "Mail/.Sent"]
    before = walk(tmp_path).found[0]
    seen = box.get_message(key)
    seen.set_subdir("cur")
    seen.set_flags("S")
    box[key] = seen  # read in the mail program: nothing new for us
    after = walk(tmp_path).found[0]
    assert after.size == before.size
    box.add(b"Subject: three\n\n3\n")
    assert walk(tmp_path).found[0].size > before.size


def write_rules(root: Path, **files: str) -> None:
    for name, lines in files.items():
        folder, _, kind = name.rpartition("__")
        (root / folder / f".{kind}ignore").write_text(lines)


def test_ignored_files_and_folders_stay_out_and_are_counted(tmp_path: Path) -> None:
    make(
        tmp_path, "a.md", "draft.md", "build/x.md", "build/y.md", "sub/build/z.md", "sub/draft.md", "sub/b.md"
    )
    write_rules(tmp_path, git="# made by tools\n/build/\n\n", kb="draft.md\n")
    assert names(tmp_path) == ["a.md", "sub/b.md", "sub/build/z.md"]
    assert walk(tmp_path).ignored == 3  # a folder is one


def test_rules_of_a_deeper_folder_come_first_and_a_later_line_takes_back(tmp_path: Path) -> None:
    make(tmp_path, "a.txt", "keep.txt", "sub/a.txt", "sub/deep/a.txt", "sub/deep/b.txt")
    write_rules(tmp_path, git="*.txt\n!keep.txt\n", sub__git="!a.txt\n")
    assert names(tmp_path) == ["keep.txt", "sub/a.txt", "sub/deep/a.txt"]


def test_everything_but_one_folder(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "docs/b.md", "docs/c/d.md", "other/e.md")
    write_rules(tmp_path, kb="/*\n!/docs/\n")
    assert names(tmp_path) == ["docs/b.md", "docs/c/d.md"]


def test_kbignore_is_stronger_than_any_gitignore(tmp_path: Path) -> None:
    make(tmp_path, "notes/a.md", "notes/private.md", "out/report.md")
    write_rules(tmp_path, kb="private.md\n!out/\n", git="out/\n", notes__git="!private.md\n")
    assert names(tmp_path) == ["notes/a.md", "out/report.md"]


def test_what_lies_in_an_ignored_folder_is_not_taken_back(tmp_path: Path) -> None:
    make(tmp_path, "old/a.md", "b.md")
    write_rules(tmp_path, git="old/\n!old/a.md\n", old__git="!a.md\n")
    assert names(tmp_path) == ["b.md"]


def test_a_bad_or_costly_rule_is_listed_and_costs_only_itself(tmp_path: Path) -> None:
    make(tmp_path, "a" * 200 + ".md", "b.md")
    write_rules(tmp_path, kb="*a" * 40 + "b\n!\nb.md\n")
    walked = walk(tmp_path)
    assert [found.path.name[0] for found in walked.found] == ["a"]
    assert [failure.reason.split(" is")[0] for failure in walked.failures] == ["line 1", "line 2"]


def test_rules_that_cannot_be_read_leave_their_folder_out(tmp_path: Path) -> None:
    """Reading on would take in what the user meant to keep out."""
    make(tmp_path, "private/secret.md", "a.md")
    (tmp_path / "private/.kbignore").write_text("secret.md\n" * 200_000)
    walked = walk(tmp_path)
    assert [found.path.name for found in walked.found] == ["a.md"]
    (failure,) = walked.failures
    assert failure.part == str(tmp_path / "private") and ".kbignore is larger" in failure.reason
