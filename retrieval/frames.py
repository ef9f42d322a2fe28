"""The file format of the derived indexes: frames of arrays, appended one after another and mapped into memory.

A frame is one line of JSON, padded so that all that follows is aligned, and then its arrays, as numpy has them in
memory. It says which store, space and generation it was made from, how many of the frames before it it takes the
place of, and the highest chunk id that it knows of. A frame counts only when it and all before it are whole and the
store knows its stamp: what a stopped save left at the end, and a file that belongs to another history of the store
(a restored backup), are never read. Nothing that a reader has mapped is ever overwritten: frames are appended, or
the whole file is written beside and renamed over.

Every frame carries a digest of sums of its 64-bit words, a sum for each mebibyte. A sum finds any single changed word
and costs 0.04 s for the 768 MB of 1,000,000 vectors, where CRC-32 takes 0.3 s.
"""

import hashlib
import json
import mmap
import os
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FORMAT = 2
_ALIGN = 64
_BLOCK = 1 << 17  # 64-bit words in a mebibyte
_LONGEST = 1 << 16  # bytes that a header may take: a slice of vectors takes some 30, so a thousand slices fit

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Frame:
    """Some of the rows of an index. `last` is the highest chunk id that was looked at for it, `generation` that of
    the store then. `end` is where it ends in its file, 0 when it is only in memory."""

    arrays: Arrays
    last: int
    generation: int
    replaces: int = 0
    stamp: str = ""
    end: int = 0
    mapping: mmap.mmap | None = None

    @property
    def size(self) -> int:
        """Bytes of the arrays."""
        return sum(array.nbytes for array in self.arrays.values())

    def release(self) -> None:
        """Lets go of the memory of the mapped file. The system keeps it cached as long as there is room."""
        if self.mapping is not None:
            _release(self.mapping)


def read(
    file: Path, identity: Mapping[str, str | int], stamp: str | None, known: Sequence[Frame] = ()
) -> list[Frame]:
    """The frames in force of a file up to the one with `stamp`, which has to be there; none when the file can't be
    used: missing, torn, changed, or of another store or space than `identity` names. Those that were read before are
    `known` and not read again."""
    frames: list[Frame] = []
    by_stamp = {frame.stamp: frame for frame in known if frame.end}
    try:
        with file.open("rb") as stream:
            mapping = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        whole = np.frombuffer(mapping, dtype=np.uint8)
        at = 0
        while stamp is not None and at < whole.size:
            frame = _frame(whole, at, identity, by_stamp)
            del frames[len(frames) - frame.replaces :]
            frames.append(frame if frame.mapping else replace(frame, mapping=mapping))
            if frame.stamp == stamp:
                _release(mapping)  # the digests have read all of it
                return frames
            at = frame.end
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass  # no file, an empty one, or foreign bytes: the index is derived anew
    return []


def append(file: Path, at: int, frame: Frame, identity: Mapping[str, str | int]) -> None:
    """Writes a frame at `at`, the end of what counts in the file. On an OSError the file is as it was."""
    try:
        with file.open("r+b") as stream:
            stream.truncate(at)  # of a save that was stopped: no reader has ever used it
            stream.seek(at)
            _write(stream, frame, identity)
    except OSError:
        os.truncate(file, at)
        raise


def rewrite(file: Path, frame: Frame, identity: Mapping[str, str | int]) -> None:
    """Makes a file of one frame, beside and renamed over. On an OSError the file is as it was."""
    beside = file.with_name(f"{file.name}.new")
    try:
        with beside.open("wb") as stream:
            _write(stream, frame, identity)
        beside.replace(file)
    except OSError:
        beside.unlink(missing_ok=True)
        raise


def _write(stream: Any, frame: Frame, identity: Mapping[str, str | int]) -> None:
    parts = [np.ascontiguousarray(array) for array in frame.arrays.values()]
    header = dict(identity) | {
        "format": FORMAT, "generation": frame.generation, "stamp": frame.stamp, "replaces": frame.replaces,
        "last": frame.last, "digest": _digest([_padded(part) for part in parts]),
        "arrays": [[name, array.dtype.str, list(array.shape)] for name, array in frame.arrays.items()],
    }  # fmt: skip
    line = json.dumps(header | {"check": _check(header)}).encode()
    stream.write(line + b" " * (-(len(line) + 1) % _ALIGN) + b"\n")
    for part in parts:
        flat = part.reshape(-1).view(np.uint8)
        stream.write(flat)
        stream.write(bytes(-flat.size % _ALIGN))
    stream.flush()
    os.fsync(stream.fileno())


def _frame(
    whole: NDArray[np.uint8], at: int, identity: Mapping[str, str | int], known: Mapping[str, Frame]
) -> Frame:
    """The frame at `at`. Raises ValueError, or what JSON of another shape makes fail, when it is not whole."""
    line, newline, _ = whole[at : at + _LONGEST].tobytes().partition(b"\n")
    header = json.loads(line)
    check = header.pop("check")
    if not newline or check != _check(header) or header["format"] != FORMAT:
        raise ValueError("no frame of this format")
    if {key: header.get(key) for key in identity} != dict(identity):
        raise ValueError("made from something else")
    if header["stamp"] in known:
        return known[header["stamp"]]
    at += len(line) + 1
    arrays: dict[str, NDArray[Any]] = {}
    parts = []
    for name, code, shape in header["arrays"]:
        dtype = np.dtype(code)
        size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        padded = size + -size % _ALIGN
        parts.append(whole[at : at + padded])
        if parts[-1].size != padded:
            raise ValueError("cut off")
        arrays[name] = parts[-1][:size].view(dtype).reshape(shape)
        at += padded
    if _digest(parts) != header["digest"]:
        raise ValueError("changed")
    return Frame(arrays, header["last"], header["generation"], header["replaces"], header["stamp"], at)


def _release(mapping: mmap.mmap) -> None:
    if hasattr(mmap, "MADV_DONTNEED"):  # not on Windows
        mapping.madvise(mmap.MADV_DONTNEED)


def _padded(part: NDArray[Any]) -> NDArray[np.uint8]:
    flat = part.reshape(-1).view(np.uint8)
    rest = -flat.size % _ALIGN
    return flat if not rest else np.concatenate([flat, np.zeros(rest, dtype=np.uint8)])


def _digest(parts: Sequence[NDArray[np.uint8]]) -> str:
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        words = part.view(np.uint64)
        whole = words.size - words.size % _BLOCK
        digest.update(words[:whole].reshape(-1, _BLOCK).sum(axis=1).tobytes())
        digest.update(words[whole:].sum(keepdims=True).tobytes())
    return digest.hexdigest()


def _check(header: Mapping[str, Any]) -> int:
    return zlib.crc32(json.dumps(header, sort_keys=True).encode())
