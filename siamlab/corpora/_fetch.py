"""A download that goes on where it broke off, and what is in it, unpacked with care."""

import gzip
import os
import stat
import tarfile
import time
import zipfile
from pathlib import Path, PurePosixPath

from .._progress import progress_bar
from ..errors import StorageError

_BLOCK = 1 << 16  # bytes; what is lost at most when the process is killed
_WAITS = (1.0, 5.0, 15.0)  # seconds, before each further try
_TIMEOUT = 30.0  # seconds without a byte
_RATIO = 20  # of sizes, unpacked and packed; sound in WAV comes to 3


class Resuming:
    """A downloader for pooch that keeps what it got beside the target.

    Parameters
    ----------
    part : pathlib.Path
        Where the beginning of the file is kept until it is whole.
    size : int
        Bytes of the whole.
    """

    def __init__(self, part, size):
        self.part, self.size = part, size

    def __call__(self, url, output_file, pooch):
        """Bring the file to `output_file`, as pooch asks; it compares the checksum."""
        import requests

        for wait in (*_WAITS, None):
            try:
                self._go_on(url)
                break
            except requests.HTTPError as error:
                raise StorageError(
                    f"{url} cannot be had ({error}); try again later"
                ) from error
            except requests.RequestException as error:
                if wait is None:
                    raise StorageError(
                        f"the download of {url} broke off after {_there(self.part):,} "
                        f"of {self.size:,} bytes ({type(error).__name__}); call again "
                        "and it goes on from there"
                    ) from error
                time.sleep(wait)
        os.replace(self.part, output_file)

    def _go_on(self, url):
        """Append what is missing, or begin again where the server cannot go on."""
        import requests

        have = _there(self.part)
        if have > self.size:  # of something else
            self.part.unlink()
            have = 0
        if have == self.size:
            return
        headers = {"Accept-Encoding": "identity"}  # bytes as they are in the file
        if have:
            headers["Range"] = f"bytes={have}-"
        with requests.get(
            url, headers=headers, stream=True, timeout=_TIMEOUT
        ) as response:
            if response.status_code == 416 and have:
                self.part.unlink()
                raise requests.ConnectionError("the server has no such range")
            response.raise_for_status()
            have = have if _continues(response, have) else 0
            self._check_size(url, response, have)
            self._append(response, have)
        if _there(self.part) < self.size:
            raise requests.ConnectionError("the server closed early")

    def _check_size(self, url, response, have):
        coming = response.headers.get("Content-Length")
        if coming is not None and have + int(coming) != self.size:
            raise StorageError(
                f"{url} has {have + int(coming):,} bytes now and should have "
                f"{self.size:,}; it is not the file whose checksum is known"
            )

    def _append(self, response, have):
        bar = progress_bar(None, total=self.size, description=self.part.stem, unit="B")
        bar.update(have)
        with open(self.part, "r+b" if have else "wb") as file, bar:
            file.seek(have)
            for block in response.iter_content(_BLOCK):
                if file.tell() + len(block) > self.size:
                    raise StorageError(
                        f"{response.url} sends more than {self.size:,} bytes; it is "
                        "not the file whose checksum is known"
                    )
                file.write(block)
                file.flush()  # a process that is killed loses no more than a block
                bar.update(len(block))


def _there(part):
    return part.stat().st_size if part.exists() else 0


def _continues(response, have):
    """Whether the answer begins where our part ends."""
    span = response.headers.get("Content-Range", "")
    return response.status_code == 206 and span.startswith(f"bytes {have}-")


def unpack(archive, folder):
    """Unpack a .tar.gz or .zip archive; no member can land outside of the folder.

    Parameters
    ----------
    archive : pathlib.Path
        The archive.
    folder : pathlib.Path
        An empty folder.

    Raises
    ------
    StorageError
        If it is damaged, a member is a link, a device, or lies outside, or if it
        unpacks to over twenty times its size.
    """
    try:
        if zipfile.is_zipfile(archive):
            _unzip(archive, folder)
        else:
            _untar(archive, folder)
    except StorageError:
        raise
    except OSError as error:
        damaged = isinstance(error, gzip.BadGzipFile)
        hint = "remove it and call again" if damaged else "is the disk full?"
        raise StorageError(
            f"{archive} cannot be unpacked to {folder} ({error}); {hint}"
        ) from error
    except Exception as error:  # a damaged archive raises one of many
        raise StorageError(
            f"{archive} cannot be unpacked ({type(error).__name__}: {error}); remove "
            "it and call again"
        ) from error


class _Bounded(gzip.GzipFile):
    """What is unpacked of a .gz file, as far as it may be.

    Members as well as their headers, which are read into the memory, can be of any
    size.
    """

    def __init__(self, path):
        super().__init__(path)
        self._most = _most(path)

    def read(self, size=-1):
        """Read on; the position counts what was unpacked."""
        content = super().read(size)
        if self.tell() > self._most:
            raise _bomb(self.name, self._most)
        return content


def _most(archive):
    return _RATIO * os.path.getsize(archive) + _BLOCK


def _bomb(archive, most):
    return StorageError(
        f"{archive} unpacks to over {most:,} bytes, {_RATIO} times its size: no "
        "recordings are packed so small. Remove it, and tell the authors of siamlab"
    )


def _untar(archive, folder):
    # Read once, member by member.
    with _Bounded(archive) as file, tarfile.open(fileobj=file, mode="r|") as tar:
        # Python 3.11.4 and later look at modes and owners as well.
        tar.extraction_filter = getattr(tarfile, "data_filter", None)
        for member in tar:
            _check(archive, member.name, member.isfile() or member.isdir())
            tar.extract(member, folder)


def _unzip(archive, folder):
    with zipfile.ZipFile(archive) as file:
        if sum(member.file_size for member in file.infolist()) > _most(archive):
            raise _bomb(archive, _most(archive))
        for member in file.infolist():
            mode = member.external_attr >> 16
            # 0 where the program that wrote it knows no kinds of files.
            usual = stat.S_IFMT(mode) in (0, stat.S_IFREG, stat.S_IFDIR)
            _check(archive, member.filename, usual)
            file.extract(member, folder)


def _check(archive, name, usual):
    """Refuse what is no file or folder of ours."""
    path = PurePosixPath(name.replace("\\", "/"))
    outside = path.is_absolute() or ".." in path.parts
    if outside or not usual or Path(name).drive:  # C: on Windows
        what = "lies outside" if usual else "is a link or a device"
        raise StorageError(
            f"{archive}: its member {name!r} {what}; nothing of it is used. "
            "Tell the authors of siamlab"
        )
