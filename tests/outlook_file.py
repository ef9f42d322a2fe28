"""Writes messages as Outlook keeps them: compound files ([MS-CFB]) of properties ([MS-OXMSG])."""

import struct
from collections.abc import Mapping, Sequence
from typing import Union

Tree = Mapping[str, Union[bytes, "Tree"]]

_SECTOR, _MINI, _CUTOFF = 512, 64, 4096
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD


def outlook_message(
    strings: Mapping[int, str], *, recipients: Sequence[tuple[str, str]] = (), binaries: Mapping[int, bytes] = {},
    attachments: Sequence[Tree] = (), inner: bool = False,
) -> Tree:  # fmt: skip
    """A message of properties by identifier, recipients (name, address) and attachments (`attached`)."""
    head = struct.pack("<8xIIII", len(recipients), len(attachments), len(recipients), len(attachments))
    tree: dict[str, bytes | Tree] = dict(_properties(head + (b"" if inner else bytes(8)), strings, binaries))
    for number, (name, address) in enumerate(recipients):
        entry = _properties(bytes(8), {0x3001: name, 0x39FE: address}, {}, {0x0C15: 1})
        tree[f"__recip_version1.0_#{number:08X}"] = entry
    for number, attachment in enumerate(attachments):
        tree[f"__attach_version1.0_#{number:08X}"] = attachment
    return tree


def attached(name: str, content: bytes | Tree, mime_type: str = "") -> Tree:
    """An attachment: a file's bytes, or a message."""
    by_value = isinstance(content, bytes)
    binaries = {0x3701: content} if isinstance(content, bytes) else {}
    entry = _properties(bytes(8), {0x3707: name, 0x370E: mime_type}, binaries, {0x3705: 1 if by_value else 5})
    return entry if isinstance(content, bytes) else {**entry, "__substg1.0_3701000D": content}


def _properties(
    head: bytes, strings: Mapping[int, str], binaries: Mapping[int, bytes], numbers: Mapping[int, int] = {}
) -> dict[str, bytes | Tree]:
    tree: dict[str, bytes | Tree] = {}
    table = head
    for kind, values in (
        (0x001F, {p: s.encode("utf-16-le") for p, s in strings.items()}),
        (0x0102, binaries),
    ):
        for identifier, value in values.items():
            table += struct.pack("<HHIII", kind, identifier, 6, len(value), 0)
            tree[f"__substg1.0_{identifier:04X}{kind:04X}"] = value
    for identifier, number in numbers.items():
        table += struct.pack("<HHIII", 0x0003, identifier, 6, number, 0)
    return tree | {"__properties_version1.0": table}


def compound_file(tree: Tree) -> bytes:
    """The bytes of a compound file with these streams (bytes) and storages (trees)."""
    fat: list[int] = []
    sectors = b""
    mini_fat: list[int] = []
    mini = b""

    def chain(table: list[int], count: int) -> int:
        start = len(table)
        table.extend([*range(start + 1, start + count), _END] if count else [])
        return start if count else _END

    def store(data: bytes) -> int:
        nonlocal sectors
        padded = data + bytes(-len(data) % _SECTOR)
        sectors += padded
        return chain(fat, len(padded) // _SECTOR)

    entries: list[list[int | str | bytes]] = []

    def add(name: str, content: bytes | Tree, root: bool = False) -> int:
        nonlocal mini
        number = len(entries)
        entry: list[int | str | bytes] = [name, 5 if root else 1, _FREE, _FREE, _FREE, 0, 0]
        entries.append(entry)
        if isinstance(content, bytes):
            entry[1], entry[6] = 2, len(content)
            if len(content) >= _CUTOFF:
                entry[5] = store(content)
            else:
                padded = content + bytes(-len(content) % _MINI)
                mini += padded
                entry[5] = chain(mini_fat, len(padded) // _MINI)
        else:
            previous: list[int | str | bytes] | None = None
            for child_name, child in content.items():
                child_number = add(child_name, child)
                if previous is None:
                    entry[4] = child_number
                else:
                    previous[3] = child_number
                previous = entries[child_number]
        return number

    add("Root Entry", tree, root=True)
    entries[0][5], entries[0][6] = store(mini), len(mini)
    mini_start = store(b"".join(struct.pack("<I", n) for n in mini_fat))
    directory = b"".join(
        struct.pack(
            "<64sHBBIII16xI8x8xIQ", str(name).encode("utf-16-le"), 2 * len(str(name)) + 2, kind, 1, left, right, child,
            0, start, size,
        )
        for name, kind, left, right, child, start, size in entries
    )  # fmt: skip
    directory_start = store(directory)
    fat_sectors = 1
    while (len(fat) + fat_sectors) * 4 > fat_sectors * _SECTOR:
        fat_sectors += 1
    fat_start = len(fat)
    fat += [_FAT] * fat_sectors
    table = b"".join(struct.pack("<I", n) for n in fat)
    sectors += table + b"\xff" * (fat_sectors * _SECTOR - len(table))
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, fat_sectors,
        directory_start, 0, _CUTOFF, mini_start, -(-len(mini_fat) * 4 // _SECTOR), _END, 0,
    )  # fmt: skip
    difat = [*range(fat_start, fat_start + fat_sectors)]
    return header + struct.pack("<109I", *difat, *[_FREE] * (109 - len(difat))) + sectors
