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
    make(tmp_path, "a.md", "photo.jpg", "program", "archive.tar.gz")
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
