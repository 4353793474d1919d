"""Broken and strange pictures, kind by kind: each maker draws one file from a seeded generator.

A file need not be bad: a flipped bit may hit a pixel. What must hold is that each is answered, in time, by a code.
"""

import struct
import zlib
from collections.abc import Callable, Mapping
from functools import cache
from random import Random
from types import MappingProxyType
from typing import Final

import numpy as np
from PIL import Image

from tests.fuzz.samples import crowd, encoded, face, whole

Maker = Callable[[Random], bytes]

PNG: Final = b"\x89PNG\r\n\x1a\n"
MIB: Final = 1024 * 1024


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG, with its checksum."""
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def png(width_px: int, height_px: int, lines: bytes, *more: bytes, depth: int = 8, colour: int = 0) -> bytes:
    """A PNG that declares this size, whatever `lines` holds; `more` are chunks before the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width_px, height_px, depth, colour, 0, 0, 0))
    return PNG + header + b"".join(more) + chunk(b"IDAT", zlib.compress(lines, 9)) + chunk(b"IEND", b"")


def truncated(random: Random) -> bytes:
    """Cut anywhere."""
    file = random.choice(whole())
    return file[: random.randrange(1, len(file))]


def flipped(random: Random) -> bytes:
    """One to a hundred bits, half of the time among the first 200 bytes, where the structure is."""
    file = bytearray(random.choice(whole()))
    end = random.choice((200, len(file)))
    for _ in range(random.choice((1, 2, 10, 100))):
        file[random.randrange(2, end)] ^= 1 << random.randrange(8)
    return bytes(file)


def spliced(random: Random) -> bytes:
    """Pieces of two files, a file within itself, or a piece left out, blanked or doubled."""
    one, two = random.choice(whole()), random.choice(whole())
    at, to = sorted(random.randrange(len(one)) for _ in range(2))
    return random.choice(
        (
            one[:at] + two[min(at, len(two)) :],
            one + two,
            one[:at] + one + one[at:],
            one[:at] + one[to:],
            one[:at] + bytes(to - at) + one[to:],
            one[:at] + b"\xff" * (to - at) + one[to:],
            one[:to] + one[at:],
        )
    )


def wrong_lengths(random: Random) -> bytes:
    """A two- or four-byte number somewhere in the structure says something else."""
    file = bytearray(random.choice(whole()))
    width = random.choice((2, 4))
    at = random.randrange(2, min(400, len(file) - width))
    number = random.choice((0, 1, 2, 3, 255, 256, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)) & (256**width - 1)
    file[at : at + width] = number.to_bytes(width, random.choice(("big", "little")))
    if file.startswith(PNG) and random.random() < 0.5:  # with a checksum that is right again
        file[29:33] = struct.pack(">I", zlib.crc32(bytes(file[12:29])))
    return bytes(file)


def markers(random: Random) -> bytes:
    """JPEG markers and PNG or WebP chunks where none belong, one or hundreds."""
    file = random.choice(whole())
    at = random.randrange(2, len(file))
    if file.startswith(PNG):
        kind = bytes(random.choice(b"ABCDIJabcdij") for _ in range(4))
        extra = chunk(random.choice((kind, b"IHDR", b"IDAT", b"PLTE", b"tRNS", b"iCCP", b"eXIf")), random.randbytes(64))
        at = random.choice((33, 33, at))
    elif file.startswith(b"RIFF"):
        extra = (
            random.choice((b"ALPH", b"EXIF", b"XMP ", b"VP8 ", b"VP8X", b"ICCP")) + b"\x08\0\0\0" + random.randbytes(8)
        )
        at = random.choice((12, at))
    else:
        code = random.randrange(256)
        extra = bytes((0xFF, code)) + random.choice((b"", struct.pack(">H", 18) + random.randbytes(16), b"\xff" * 50))
    return file[:at] + extra * random.choice((1, 1, 1, 300)) + file[at:]


def bomb(random: Random) -> bytes:
    """A few bytes that declare, or hold, far more pixels or text than they take."""
    side = random.choice((5_000, 20_000, 65_500))
    jpeg = bytearray(whole()[random.randrange(2)])
    at = max(jpeg.find(b"\xff\xc0"), jpeg.find(b"\xff\xc2"))
    jpeg[at + 5 : at + 9] = struct.pack(">HH", side, random.choice((1, side)))
    declared = (bytes(jpeg), png(side, side, bytes(1 + side)), png(0x7FFFFFFF, 0x7FFFFFFF, b"\0"), png(2**31, 1, b"\0"))
    return random.choice((*declared, *large()))


@cache
def large() -> tuple[bytes, ...]:
    """Those that take a while to make: pictures just below the limit of pixels, and files that are mostly air."""
    rows = bytes(1 + 5_000) * 5_000
    text = b"a\0\0" + zlib.compress(bytes(20 * MIB), 9)
    return (
        png(5_000, 5_000, rows),
        png(5_000, 5_000, rows * 2, depth=16),
        encoded(Image.new("L", (5_700, 5_700)), "WEBP", lossless=True, method=0),
        png(64, 64, bytes(20 * MIB)),
        png(8, 8, bytes(72), chunk(b"zTXt", text)),
        png(8, 8, bytes(72), chunk(b"iCCP", text)),
        png(8, 8, bytes(72), *[chunk(b"tEXt", b"a\0b")] * 70_000),
        b"\xff\xd8" + b"\xff" * (2 * MIB),
    )


def animated(random: Random) -> bytes:
    """More than one frame, as PNG, WebP and GIF."""
    frames = [face(), face().rotate(random.randrange(1, 360))]
    kind = random.choice(("PNG", "WEBP", "GIF"))
    return encoded(frames[0].resize((64, 64)), kind, save_all=True, append_images=[frames[1].resize((64, 64))])


def colours(random: Random) -> bytes:
    """CMYK, 16 bits, palettes, one bit, transparency, grey: all are pictures."""
    sixteen = np.asarray(face().convert("L"), np.uint16) * 257
    return random.choice(
        (
            lambda: encoded(face().convert("CMYK"), "JPEG"),
            lambda: encoded(face().convert("L"), "JPEG"),
            lambda: encoded(Image.fromarray(sixteen), "PNG"),
            lambda: encoded(face().convert("P"), "PNG", transparency=3),
            lambda: encoded(face().convert("1"), "PNG"),
            lambda: encoded(face().convert("LA"), "PNG"),
            lambda: encoded(face().convert("RGBA"), "WEBP"),
            lambda: png(2, 2, random.randbytes(34), depth=16, colour=6),
        )
    )()


def shapes(random: Random) -> bytes:
    """One pixel, one line, strips."""
    width = random.choice((1, 2, 3, 17, 2_000, 60_000))
    height = random.choice((1, 2, 3)) if width > 3 else random.choice((1, 2, 3, 2_000, 60_000))
    if random.random() < 0.2:
        return png(1_000_000, 1, bytes(1_000_001))
    strip = face().resize((width, height))
    return encoded(strip, "WEBP" if max(width, height) < 16_000 and random.random() < 0.3 else "PNG")


def exif(random: Random) -> bytes:
    """An orientation that is none, directories that point into themselves or beyond, tags without end."""
    order = random.choice(("<", ">"))
    count = random.choice((0, 1, 1, 1, 4_000, 65_535))
    tag = struct.pack(order + "HHII", 0x0112, random.randrange(14), random.choice((0, 1, 2**31)), 0)
    orientation = struct.pack(order + "HHIHH", 0x0112, 3, 1, random.choice((0, 3, 6, 9, 255, 65_535)), 0)
    ifd = struct.pack(order + "H", count) + (random.choice((tag, orientation)) * min(count, 4_000))
    offset = random.choice((8, 8, 8, 0, 4, 2**31, 2**32 - 1))
    tiff = (b"II*\0" if order == "<" else b"MM\0*") + struct.pack(order + "I", offset) + ifd
    content = b"Exif\0\0" + tiff + struct.pack(order + "I", random.choice((0, 8, 2**31)))
    jpeg = whole()[random.randrange(3)]
    if random.random() < 0.3:
        return whole()[3][:33] + chunk(b"eXIf", tiff) + whole()[3][33:]
    return jpeg[:2] + b"\xff\xe1" + struct.pack(">H", 2 + len(content[:65_000])) + content[:65_000] + jpeg[2:]


def crowded(random: Random) -> bytes:
    """Five hundred faces."""
    columns, rows = random.choice(((25, 20), (20, 25), (50, 10)))
    return encoded(Image.fromarray(crowd(columns, rows, random.choice((12, 20, 30)))), "JPEG", quality=80)


def no_picture(random: Random) -> bytes:
    """Nothing, noise, text, other formats; up to the largest size that the broker takes."""
    return random.choice(
        (
            lambda: b"",
            lambda: random.randbytes(random.choice((1, 2, 3, 12, 100, 10_000))),
            lambda: (
                random.choice((b"\xff\xd8\xff", PNG, b"RIFF\xff\xff\xff\xffWEBP"))
                + random.randbytes(random.randrange(200))
            ),
            lambda: b"<html>frame</html>",
            lambda: encoded(face(), random.choice(("GIF", "BMP", "TIFF", "PPM"))),
            lambda: random.choice((b"\0", b"\xff", b"\xff\xd8", b"\xff\x00")) * (MIB // 2),
            lambda: random.choice(whole()) + bytes(random.choice((3 * MIB, 4 * MIB))),
        )
    )()


PICTURES: Final[Mapping[str, Maker]] = MappingProxyType(
    {
        "truncated": truncated,
        "bits flipped": flipped,
        "spliced": spliced,
        "wrong lengths": wrong_lengths,
        "stray markers": markers,
        "bombs": bomb,
        "animated": animated,
        "colours and depths": colours,
        "extreme shapes": shapes,
        "EXIF nonsense": exif,
        "500 faces": crowded,
        "no picture": no_picture,
    }
)
"""By kind."""
