"""Corpora as they are downloaded, and archives that want to get out."""

import io
import tarfile
import zipfile

from . import damage
from .whole import Whole, sound


def _tar(members, kind="w:gz", **how):
    """Members: (name, bytes) or (name, type, link)."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=kind, **how) as tar:
        for name, *rest in members:
            member = tarfile.TarInfo(name)
            if len(rest) == 1:
                (content,) = rest
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                member.type, member.linkname = rest
                tar.addfile(member)
    return file.getvalue()


def _zip(members, mode=0):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            member = zipfile.ZipInfo(name)
            member.external_attr = mode << 16
            member.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(member, content)
    return file.getvalue()


def archives():
    """Corpora as they are downloaded, and such as want to get out."""
    inside = [(f"inside/part/{k}.flac", sound(format="FLAC")) for k in range(2)]
    inside.append(("inside/SPEAKERS.TXT", b"84 | F\n"))

    def whole(name, content, ill=""):
        how = damage.in_tar if name.endswith(".gz") else damage.in_bytes
        return Whole("archives", name, content, "archive", how, ill=ill)

    yield whole("a.tar.gz", _tar(inside))
    yield whole("a.zip", _zip(inside))
    for how in (tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        long = [*inside, (f"inside/part/{'n' * 150}.flac", b"x")]
        yield whole("long.tar.gz", _tar(long, format=how))
    out = b"I was here"
    for name in (
        "../out.txt",
        "/tmp/out-of-siamlab.txt",
        "inside/../../out.txt",
        "..\\out.txt",
    ):
        yield whole("out.tar.gz", _tar([(name, out), *inside]), "outside")
        yield whole("out.zip", _zip([(name, out), *inside]), "outside")
    links = (
        ("a symbolic link", tarfile.SYMTYPE, "../.."),
        ("a hard link", tarfile.LNKTYPE, "/etc/passwd"),
        ("a device", tarfile.CHRTYPE, ""),
        ("a pipe", tarfile.FIFOTYPE, ""),
    )
    for ill, kind, target in links:
        member = ("inside/link", kind, target)
        through = ("inside/link/out.txt", out)
        yield whole("link.tar.gz", _tar([member, through, *inside]), ill)
    yield whole("link.zip", _zip([("inside/link", b"../..")], 0o120777), "a link")
    zeros = bytes(2**26)
    yield whole(
        "bomb.tar.gz", _tar([("inside/part/zeros.flac", zeros), *inside]), "a bomb"
    )
    yield whole(
        "bomb.zip", _zip([("inside/part/zeros.flac", zeros), *inside]), "a bomb"
    )
    pax = {"comment": "0" * 2**26}
    content = _tar(inside, format=tarfile.PAX_FORMAT, pax_headers=pax)
    yield whole("header.tar.gz", content, "a bomb in a header")
