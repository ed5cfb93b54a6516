"""What transports, disks, editors and bad wishes do to a file: bytes -> bytes."""

import gzip
import io
import re
import struct
import zipfile

_ABSURD = (0, 1, -1, 2, 255, 65535, 2**31 - 1, -(2**31), 2**32 - 1, 2**40, 2**63 - 1)
_WORDS = (
    "-1 0 1e999 -1e999 nan inf 99999999999999999999 0x7fffffff 1e-300 --1 . 1,5 ² ٣ "
    "1e5 2147483648 null true [] {} *"
).split() + ["", "9" * 5000, "-" * 300, '"', '""""', "\x00", "\ud800", "\u2028"]
_ENCODINGS = ("utf-16", "utf-16-be", "utf-32", "latin-1", "utf-7", "utf-8-sig", "cp037")


def cut(content, rng):
    return content[: rng.integers(len(content) + 1)]


def lose_the_beginning(content, rng):
    return content[rng.integers(min(len(content), 400) + 1) :]


def flip(content, rng):
    """Some bits, half of the time near the beginning."""
    made = bytearray(content)
    reach = min(len(made), 200) if rng.random() < 0.5 else len(made)
    for _ in range(rng.integers(1, 20)):
        if reach:
            made[rng.integers(reach)] ^= 1 << int(rng.integers(8))
    return bytes(made)


def _block(content, rng):
    start = int(rng.integers(len(content) + 1))
    return start, start + int(rng.integers(1, max(len(content) // 4, 2)))


def swap(content, rng):
    start, end = _block(content, rng)
    length = end - start
    middle = content[start:end], content[end : end + length]
    return content[:start] + middle[1] + middle[0] + content[end + length :]


def zero(content, rng):
    start, end = _block(content, rng)
    return content[:start] + bytes(len(content[start:end])) + content[end:]


def repeat(content, rng):
    start, end = _block(content, rng)
    return content[:end] + content[start:end] * int(rng.integers(1, 5)) + content[end:]


def drop(content, rng):
    start, end = _block(content, rng)
    return content[:start] + content[end:]


def stuff(content, rng):
    at = int(rng.integers(len(content) + 1))
    return content[:at] + rng.bytes(int(rng.integers(1, 300))) + content[at:]


def absurd_header(content, rng):
    """Numbers of 1 to 8 bytes, of either order, where headers have theirs."""
    made = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        number = _ABSURD[rng.integers(len(_ABSURD))]
        size = int(rng.choice([1, 2, 4, 8]))
        order = "<" if rng.random() < 0.6 else ">"
        packed = struct.pack(f"{order}Q", number % 2**64)
        packed = packed[:size] if order == "<" else packed[-size:]
        at = int(rng.integers(max(min(len(made), 128) - size, 1)))
        made[at : at + size] = packed
    return bytes(made)


def nothing(content, rng):
    return b""


def noise(content, rng):
    return rng.bytes(int(rng.integers(1, 5000)))


def absurd_number(content, rng):
    """A number, a word or nothing in place of a number that stands in a text."""
    numbers = list(re.finditer(rb"-?\d+(\.\d+)?", content))
    if not numbers:
        return content
    for _ in range(rng.integers(1, 4)):
        found = numbers[rng.integers(len(numbers))]
        word = _WORDS[rng.integers(len(_WORDS))].encode("utf-8", "surrogatepass")
        content = content[: found.start()] + word + content[found.end() :]
    return content


def other_word(content, rng):
    """A word in place of any other."""
    found = list(re.finditer(rb"[^\s\"',:;|\[\]{}]+", content))
    if not found:
        return content
    word = _WORDS[rng.integers(len(_WORDS))].encode("utf-8", "surrogatepass")
    at = found[rng.integers(len(found))]
    return content[: at.start()] + word + content[at.end() :]


def other_encoding(content, rng):
    text = content.decode("utf-8", "replace")
    name = _ENCODINGS[rng.integers(len(_ENCODINGS))]
    made = text.encode(name, "replace")
    return made if rng.random() < 0.7 else made[: rng.integers(len(made) + 1)]


def deep(content, rng):
    """Brackets within brackets, as deep as no parser likes."""
    depth = int(10 ** rng.uniform(1, 5.5))
    kind = (b"[", b"{", b"(", b'{"a":', b"- ", b"? ", b'"', b"<", b"\n ", b"&a [")
    at = int(rng.integers(len(content) + 1)) if rng.random() < 0.7 else 0
    return content[:at] + kind[rng.integers(len(kind))] * depth + content[at:]


def lose_lines(content, rng):
    lines = content.splitlines(keepends=True)
    kept = [line for line in lines if rng.random() < 0.8]
    if rng.random() < 0.4:
        kept = [kept[i] for i in rng.permutation(len(kept))]
    return b"".join(kept)


BYTES = (
    cut,
    cut,
    flip,
    flip,
    absurd_header,
    absurd_header,
    swap,
    zero,
    repeat,
    drop,
    stuff,
    lose_the_beginning,
    nothing,
    noise,
)
TEXT = (
    absurd_number,
    absurd_number,
    other_word,
    other_word,
    other_encoding,
    deep,
    lose_lines,
)


def _some(ways, content, rng):
    """One way mostly, at times two or three; gives the name of the first as well."""
    chosen = [ways[rng.integers(len(ways))] for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    for way in chosen:
        content = way(content, rng)
    return chosen[0].__name__, content


def in_bytes(content, rng):
    return _some(BYTES, content, rng)


def in_text(content, rng):
    return _some(BYTES + TEXT * 3, content, rng)


def in_zip(content, rng):
    """In the archive, or in what is in it: with a checksum that is right."""
    if rng.random() < 0.3 or not zipfile.is_zipfile(io.BytesIO(content)):
        return in_bytes(content, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        members = old.infolist()
        chosen = members[rng.integers(len(members))]
        for member in members:
            inside = old.read(member)
            if member is chosen:
                json_like = member.filename.endswith(".json")
                name, inside = (in_text if json_like else in_bytes)(inside, rng)
                name = f"{name}, inside"
            if member is not chosen or rng.random() < 0.95:  # or it is left out
                new.writestr(member.filename, inside, member.compress_type)
    return name, out.getvalue()


def in_tar(content, rng):
    """In the compressed file, or in what was compressed."""
    if rng.random() < 0.4:
        return in_bytes(content, rng)
    name, inside = in_bytes(gzip.decompress(content), rng)
    return f"{name}, inside", gzip.compress(inside, mtime=0)
