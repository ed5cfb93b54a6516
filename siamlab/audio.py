"""From a sound file to samples.

- `read`: samples of a file, or of a stretch of it.
- `blocks`: the same, piece by piece.
- `duration`: its length without reading it.
- `resample`: another sampling rate.
- `check`: refuse samples that no spectrogram can be made of.
"""

import contextlib
import os
import re

import numpy as np

from . import _ffmpeg
from .errors import ArgumentError, AudioError

__all__ = ["blocks", "check", "duration", "read", "resample"]


def _open(path):
    """Open with libsndfile; or say why not, where FFmpeg is to try."""
    import soundfile

    try:
        return soundfile.SoundFile(path), None
    except (soundfile.LibsndfileError, RuntimeError) as error:
        said = str(error).rsplit(": ", 1)[-1].rstrip(".")
        reason = _why_not(path)
        if reason is None and _ffmpeg.is_there():
            return None, said
        if reason is None:
            reason = (
                f"is no sound file that libsndfile reads ({said}); convert it to WAV "
                'or FLAC, or, if it is M4A, WMA or WebM, pip install "siamlab[m4a]"'
            )
        raise AudioError(path, reason) from error


def _why_not(path):
    """Turn libsndfile's "System error" into what happened to the file, or None."""
    if not isinstance(path, str | os.PathLike):
        return None  # an open file
    if os.path.islink(path) and not os.path.exists(path):
        return "is a link to a file that does not exist; restore the file"
    if not os.path.exists(path):
        return "does not exist; check the path"
    if os.path.isdir(path):
        return "is a folder; give a sound file"
    if not os.access(path, os.R_OK):
        return "may not be read by you; change its permissions"
    if os.path.getsize(path) == 0:
        return "is empty (0 bytes); record or copy it again"
    return None


# libsndfile quietly takes a file that was cut for a shorter one; its log tells.
_PROMISED = re.compile(r": (\d+) \(should be (\d+)\)")
# What a program writes that streams and does not know the length yet.
_UNKNOWN_LENGTH = 2**31 - 1
_PADDING = 64  # bytes; some programs count their padding, some do not
# Samples asked for at a time: a damaged header may promise more than any memory holds.
_MOST = 2**24


def _check_whole(file, path):
    for promised, there in _PROMISED.findall(file.extra_info):
        promised, there = int(promised), int(there)
        if there + _PADDING < promised < _UNKNOWN_LENGTH:
            raise AudioError(
                path,
                f"breaks off: its header promises {promised} bytes, {there} are there; "
                "copy it again",
            )


def read(path, *, start=0.0, duration=None):
    """Read a recording as one channel.

    Parameters
    ----------
    path : str or os.PathLike
        WAV, FLAC, OGG, MP3: whatever libsndfile reads, at any rate and depth. M4A,
        WMA, WebM and others through FFmpeg, with ``siamlab[m4a]``; these are decoded
        from their beginning, wherever `start` is.
    start : float
        Where to begin, in seconds.
    duration : float, optional
        How much to read, in seconds; up to the end by default.

    Returns
    -------
    samples : numpy.ndarray
        float32, shape (samples,), in [-1, 1]. Several channels are averaged.
    rate : int
        Samples per second.

    Raises
    ------
    AudioError
        If it is missing, unreadable, no sound file, empty, or shorter than its
        header says.
    """
    pieces = list(blocks(path, start=start, duration=duration, seconds=np.inf))
    samples, rate = pieces[0]
    if len(pieces) > 1:
        samples = np.concatenate([piece for piece, _ in pieces])
    return samples, rate


def blocks(path, *, start=0.0, duration=None, seconds=10.0):
    """Read a recording piece by piece: one that is larger than the memory, say.

    Parameters
    ----------
    path, start, duration
        As for `read`.
    seconds : float
        How long a block is at most.

    Yields
    ------
    samples : numpy.ndarray
        float32, shape (samples,), in [-1, 1].
    rate : int
        Samples per second.

    Raises
    ------
    AudioError
        As for `read`; what breaks off late may have given blocks before.

    Examples
    --------
    >>> import io, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, np.zeros(25), 10, format="WAV")
    >>> _ = file.seek(0)
    >>> [len(samples) for samples, rate in blocks(file, seconds=1.0)]
    [10, 10, 5]
    """
    file, said = _open(path)
    if file is None:
        pieces = _decode(path, said, start, duration)
    else:
        pieces = _read(file, path, start, duration, seconds)
    with contextlib.closing(pieces):
        for samples, rate in pieces:
            if np.isfinite(samples).all():
                np.clip(samples, -1.0, 1.0, out=samples)  # float files may go beyond
            yield samples, rate


def _stretch(start, duration, rate):
    """First sample, and how many there are to be; the latter may be infinite."""
    limited = duration is not None and np.isfinite(duration)
    return round(start * rate), round(duration * rate) if limited else np.inf


def _nothing(path, start, length):
    return AudioError(
        path,
        f"holds no samples from {start:g} s on (it is {length:.3f} s long); "
        "record it again, or correct the start",
    )


def _read(file, path, start, duration, seconds):
    import soundfile

    with file:
        _check_whole(file, path)
        rate = file.samplerate
        first, wanted = _stretch(start, duration, rate)
        wanted = min(wanted, file.frames - first)
        if wanted <= 0:
            raise _nothing(path, start, file.frames / rate)
        done = 0
        while done < wanted:
            most = max(_MOST // file.channels, 1)
            size = min(max(seconds * rate, 1), most, wanted - done)
            try:
                if done == 0:
                    file.seek(first)
                samples = file.read(int(size), dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError) as error:
                raise AudioError(
                    path, f"breaks off while it is read ({error}); copy it again"
                ) from error
            done += len(samples)
            if len(samples) < int(size):
                raise AudioError(
                    path,
                    f"breaks off: its header promises {wanted} samples, {done} are "
                    "there; copy it again",
                )
            channels = samples.shape[1]
            yield samples[:, 0] if channels == 1 else samples.mean(axis=1), rate


def _decode(path, said, start, duration):
    """Decode with FFmpeg from the beginning on, and keep what is wanted."""
    done, rate, kept = 0, 0, False
    with contextlib.closing(_ffmpeg.chunks(path, said)) as chunks:
        for samples, rate in chunks:
            first, wanted = _stretch(start, duration, rate)
            begin = max(first - done, 0)
            end = min(max(first + wanted - done, 0), len(samples))
            if begin < end:
                kept = True
                yield samples[begin:end], rate
            done += len(samples)
            if done >= first + wanted:
                break
    if not kept:
        raise _nothing(path, start, done / max(rate, 1))


def duration(path):
    """Length of a recording, from its header where that tells it exactly.

    Parameters
    ----------
    path : str or os.PathLike
        The recording.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    AudioError
        If it is missing, unreadable or no sound file.
    """
    file, said = _open(path)
    if file is None:
        return _ffmpeg.duration(path, said)
    with file:
        return file.frames / file.samplerate


# From the lowest rate that anybody records at to the highest, and some more.
_FURTHEST = 200


def resample(samples, orig_sr, target_sr):
    """Bring samples to another rate (band-limited, soxr's high quality).

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,).
    orig_sr, target_sr : int
        Samples per second, before and after.

    Returns
    -------
    numpy.ndarray
        float32, about ``len(samples) * target_sr / orig_sr`` samples.

    Raises
    ------
    ArgumentError
        If a rate is not positive, or one is more than 200 times the other.

    Examples
    --------
    >>> resample(np.zeros(8000, np.float32), 8000, 16000).shape
    (16000,)
    """
    if orig_sr <= 0 or target_sr <= 0:
        raise ArgumentError(
            f"sampling rates must be positive; got {orig_sr} and {target_sr}. "
            "Give them in samples per second, 16000 for example."
        )
    if not 1 / _FURTHEST <= target_sr / orig_sr <= _FURTHEST:
        raise ArgumentError(
            f"{orig_sr} samples per second cannot be brought to {target_sr}: no recording of "
            f"speech is {_FURTHEST} times as fast or as slow. Is the header damaged?"
        )
    samples = np.asarray(samples, dtype=np.float32)
    if orig_sr == target_sr:
        return samples
    import soxr

    return soxr.resample(samples, orig_sr, target_sr, quality="HQ")


# Below this, 16-bit audio holds nothing but its last bit.
SILENCE = 1.0 / 32768


def check(samples, path):
    """Refuse samples that would give a spectrogram of nothing.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,).
    path : str or os.PathLike
        Named in the error.

    Raises
    ------
    AudioError
        If a sample is NaN or infinite, or if all are silent.
    """
    bad = np.count_nonzero(~np.isfinite(samples))
    if bad:
        raise AudioError(
            path, f"holds {bad} samples that are NaN or infinite; export it again"
        )
    if np.abs(samples).max(initial=0.0) <= SILENCE:
        raise AudioError(
            path, "is silent from beginning to end; record it again, or leave it out"
        )
