"""A data set as a project of machine learning has one: images, tables, labels, a model.

Made from a seed, so that every run has the same bytes; the files are what
their names say, and any viewer opens them.
"""

from __future__ import annotations

import json
import random
import struct
import zlib
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_CLASSES = ("ash", "beech", "birch", "larch", "maple", "oak", "pine", "spruce")
_SIDE = 104
"""Pixels along one side of an image."""

_BLOCK = 1 << 20


class Extent(NamedTuple):
    """How much there is: files, and bytes."""

    files: int
    size: int


def write_dataset(root: Path, images: int, model_size: int, seed: int = 1) -> None:
    """Write `images` images with their labels, some tables, and a model of `model_size` bytes."""
    chance = random.Random(seed)
    for number in range(images):
        _write_image(root, number, chance)
    for number in range(images // 8):
        _write_table(root / f"data/tables/run-{number:04d}.csv", chance)
    write_model(root / "models/encoder.safetensors", model_size, chance)


def change_dataset(root: Path, share: float, seed: int = 2) -> Extent:
    """Change about `share` of the files, and of the model in one place; what was changed."""
    chance = random.Random(seed)
    changed = [path for path in files(root) if path.suffix != ".safetensors"]
    changed = chance.sample(changed, max(1, int(len(changed) * share)))
    size = 0
    for path in changed:
        size += _change_file(path, chance)
    model = root / "models/encoder.safetensors"
    with model.open("r+b") as file:
        layer = _weights(int(model.stat().st_size * share), chance)
        file.seek(model.stat().st_size // 3)
        file.write(layer)
    return Extent(len(changed) + 1, size + len(layer))


def files(root: Path) -> list[Path]:
    """All files of the data set under `root`, sorted."""
    found = [path for name in ("data", "models") for path in (root / name).rglob("*")]
    return sorted(path for path in found if path.is_file())


def extent(root: Path) -> Extent:
    """How much the data set under `root` is."""
    sizes = [path.stat().st_size for path in files(root)]
    return Extent(len(sizes), sum(sizes))


def differing(one: Path, other: Path) -> list[Path]:
    """The paths, relative to both roots, whose bytes are not the same in both data sets."""
    names = {path.relative_to(one) for path in files(one)}
    names |= {path.relative_to(other) for path in files(other)}
    return sorted(name for name in names if not _same(one / name, other / name))


def write_model(path: Path, size: int, chance: random.Random) -> None:
    """Write a model of about `size` bytes in the safetensors format."""
    header = json.dumps(
        {"encoder.weight": {"dtype": "F16", "shape": [size // 2], "data_offsets": [0, size]}}
    ).encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        for start in range(0, size, _BLOCK):
            file.write(_weights(min(_BLOCK, size - start), chance))


def _weights(size: int, chance: random.Random) -> bytes:
    """Half-precision numbers near zero: noise in the low byte, few values in the high one."""
    values = bytearray(size)
    values[0::2] = chance.randbytes(len(values[0::2]))
    high = bytes(0x20 | (byte & 0x9F) >> 2 | (byte & 0x80) for byte in range(256))
    values[1::2] = chance.randbytes(len(values[1::2])).translate(high)
    return bytes(values)


def _write_image(root: Path, number: int, chance: random.Random) -> None:
    label = _CLASSES[number % len(_CLASSES)]
    path = root / f"data/images/{label}/{number:05d}.png"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_png(chance))
    box = {name: chance.randrange(_SIDE) for name in ("left", "top", "width", "height")}
    record = {
        "image": path.name,
        "label": label,
        "box": box,
        "camera": {"gain": chance.random(), "position": [chance.gauss(0, 1) for _ in range(3)]},
        "embedding": [round(chance.gauss(0, 1), 4) for _ in range(64)],
    }
    target = root / f"data/labels/{number:05d}.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(record, indent=2) + "\n")


def _png(chance: random.Random) -> bytes:
    """A photograph-like image: 8-bit RGB, mostly noise, so that it hardly compresses."""
    pixels = chance.randbytes(_SIDE * _SIDE * 3)
    row = _SIDE * 3
    rows = b"".join(b"\0" + pixels[start : start + row] for start in range(0, len(pixels), row))
    head = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_part(kind, data) for kind, data in parts)


def _png_part(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)


def _write_table(path: Path, chance: random.Random) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("time,height,girth,moisture,label\n" + "".join(_rows(300, chance)))


def _rows(count: int, chance: random.Random) -> Iterator[str]:
    for number in range(count):
        height, girth, moisture = (chance.uniform(0, 50) for _ in range(3))
        yield f"{number},{height:.3f},{girth:.3f},{moisture:.3f},{chance.choice(_CLASSES)}\n"


def _change_file(path: Path, chance: random.Random) -> int:
    """Change one file as people do; the new size of it in bytes."""
    if path.suffix == ".png":
        path.write_bytes(_png(chance))
    elif path.suffix == ".csv":
        path.write_text(path.read_text() + "".join(_rows(5, chance)))
    else:
        record = json.loads(path.read_text())
        record["checked_by"] = chance.choice(("Ana", "Bo", "Chen"))
        path.write_text(json.dumps(record, indent=2) + "\n")
    return path.stat().st_size


def _same(one: Path, other: Path) -> bool:
    if not (one.is_file() and other.is_file()) or one.stat().st_size != other.stat().st_size:
        return False
    with one.open("rb") as left, other.open("rb") as right:
        while block := left.read(_BLOCK):
            if block != right.read(_BLOCK):
                return False
    return True
