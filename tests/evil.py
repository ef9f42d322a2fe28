"""Files that do to their reader what a stranger's file might do to a parser. They are .txt files; what is done is
their first word."""

from pathlib import Path

_LOADER = """
import ctypes, os, sys, time
from pathlib import Path
from ingest.document import Document
from retrieval.errors import LoadError
from retrieval.types import DocumentInfo
def read(data, name, doc):
    what, *values = data.decode().split()
    if what == "crash": ctypes.string_at(0)
    if what == "exit": os._exit(0)
    if what == "hang":
        while True: pass
    if what == "sleep": time.sleep(1000)
    if what == "memory":
        hoard = []
        while True: hoard.append(bytes(64 * 2**20))
    if what == "recursion":
        def deeper(): deeper()
        deeper()
    if what == "print": print("{}" * 100_000, flush=True)
    if what == "talk":  # as the code of a parser that was taken over might
        for number in range(3, 10):
            try: os.write(number, b"\\xff\\xff\\xff\\xff not a message")
            except OSError: pass
    if what == "odd": raise KeyError("/Pages")
    if what == "grow":  # as if another program wrote to it meanwhile
        with Path(doc).open("a") as file: file.write("more")
    if what == "long":  # a text of so many characters, and a file that shows that it was read
        Path(doc).with_suffix(".read").touch()
        yield Document(DocumentInfo(doc, "", "text", name), "x" * int(values[0]), ())
"""
# Starts the child as `ReaderProcess` does, but with that loader.
_START = """
import sys
sys.path[:0] = [{package!r}, sys.argv[1]]
import evil_loader, ingest.loaders
sys.modules["ingest.loaders.evil_loader"] = evil_loader
ingest.loaders._MODULES[".txt"] = "evil_loader"
from ingest.worker import main
main(int(sys.argv[2]))
"""


def start_code(package: Path) -> str:
    """What a reader process is to run so that it reads such files; its loader is written into a new folder."""
    package.mkdir()
    (package / "evil_loader.py").write_text(_LOADER)
    return _START.format(package=str(package))
