"""Read sound files.

- Reading: `read`, the samples of a file or of a part of it; `blocks`, the same in
  pieces; `duration`, without reading the samples.
- Samples: `resample`, to another sampling rate; `check`, for NaN and silence.

libsndfile reads most formats; FFmpeg reads the others, with ``siamlab[m4a]``. Notebook:
``01_sound_to_spectrogram``.
"""

import contextlib
import os
import re

import numpy as np

from . import _ffmpeg
from .errors import ArgumentError, AudioError

__all__ = ["blocks", "check", "duration", "read", "resample"]

# libsndfile reads a truncated file without an error; only its log reports it.
_PROMISED_SIZE = re.compile(r": (\d+) \(should be (\d+)\)")
# Written by programs that stream a recording and do not know its length yet.
_UNKNOWN_SIZE = 2**31 - 1
_PADDING = 64  # bytes; some programs count their padding, some do not
# Samples read at once: a damaged header may promise more than any memory holds.
_MAX_SAMPLES = 2**24
# The ratio of the highest sampling rate in use to the lowest, with a margin.
_MAX_RATIO = 200
# At this level, 16-bit audio contains only its least significant bit.
SILENCE = 1.0 / 32768


def read(path, *, start=0.0, duration=None):
    """Read a recording as one channel.

    Parameters
    ----------
    path : str or os.PathLike
        WAV, FLAC, OGG, MP3 and all other formats of libsndfile, at any sampling rate
        and bit depth. With ``siamlab[m4a]``, also M4A, WMA, WebM and other formats of
        FFmpeg; these are decoded from the beginning, whatever `start` is.
    start : float
        Where to start reading, in seconds.
    duration : float, optional
        How much to read, in seconds; by default, up to the end.

    Returns
    -------
    samples : numpy.ndarray
        float32, shape (samples,), in [-1, 1]. Multiple channels are averaged.
    sr : int
        Sampling rate in hertz.

    Raises
    ------
    AudioError
        If the file is missing, unreadable, not a sound file, empty, or shorter than its
        header says.

    Examples
    --------
    >>> import io, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, np.full(8000, 0.5), 16000, format="WAV")
    >>> _ = file.seek(0)
    >>> samples, sr = read(file, start=0.25)
    >>> samples.shape, sr
    ((4000,), 16000)
    """
    pieces = list(blocks(path, start=start, duration=duration, seconds=np.inf))
    samples, sr = pieces[0]
    if len(pieces) > 1:
        samples = np.concatenate([piece for piece, _ in pieces])
    return samples, sr


def blocks(path, *, start=0.0, duration=None, seconds=10.0):
    """Read a recording in pieces, for files that do not fit into memory.

    Parameters
    ----------
    path, start, duration
        As for `read`.
    seconds : float
        Longest duration of a piece.

    Yields
    ------
    samples : numpy.ndarray
        float32, shape (samples,), in [-1, 1].
    sr : int
        Sampling rate in hertz.

    Raises
    ------
    AudioError
        As for `read`; a truncated file may yield pieces first.

    Examples
    --------
    >>> import io, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, np.zeros(25), 10, format="WAV")
    >>> _ = file.seek(0)
    >>> [len(samples) for samples, sr in blocks(file, seconds=1.0)]
    [10, 10, 5]
    """
    file, reason = _open(path)
    if file is None:
        pieces = _decode(path, reason, start, duration)
    else:
        pieces = _read(file, path, start, duration, seconds)
    with contextlib.closing(pieces):
        for samples, sr in pieces:
            if np.isfinite(samples).all():
                np.clip(samples, -1.0, 1.0, out=samples)  # float files may exceed 1
            yield samples, sr


def duration(path):
    """Measure the duration of a recording, from its header if that is exact.

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
        If the file is missing, unreadable or not a sound file.

    Examples
    --------
    >>> import io, soundfile
    >>> file = io.BytesIO()
    >>> soundfile.write(file, np.zeros(8000), 16000, format="WAV")
    >>> _ = file.seek(0)
    >>> duration(file)
    0.5
    """
    file, reason = _open(path)
    if file is None:
        return _ffmpeg.duration(path, reason)
    with file:
        return file.frames / file.samplerate


def _open(path):
    """Open with libsndfile: (file, None), or (None, reason) if FFmpeg is to try."""
    import soundfile

    try:
        return soundfile.SoundFile(path), None
    except (soundfile.LibsndfileError, RuntimeError) as error:
        reason = str(error).rsplit(": ", 1)[-1].rstrip(".")
        problem = _file_problem(path)
        if problem is None and _ffmpeg.is_available():
            return None, reason
        if problem is None:
            problem = (
                f"is not a sound file that libsndfile reads ({reason}); convert it to "
                'WAV or FLAC, or, if it is M4A, WMA or WebM, pip install "siamlab[m4a]"'
            )
        raise AudioError(path, problem) from error


def _file_problem(path):
    """Find out why a file cannot be opened; None if its content is the problem."""
    if not isinstance(path, str | os.PathLike):
        return None  # an open file
    if os.path.islink(path) and not os.path.exists(path):
        return "is a link to a file that does not exist; restore the file"
    if not os.path.exists(path):
        return "does not exist; check the path"
    if os.path.isdir(path):
        return "is a folder; pass a sound file"
    if not os.access(path, os.R_OK):
        return "cannot be opened (permission denied); change its permissions"
    if os.path.getsize(path) == 0:
        return "is empty (0 bytes); record or copy it again"
    return None


def _read(file, path, start, duration, seconds):
    """Read with libsndfile, in pieces of at most `seconds`."""
    import soundfile

    with file:
        _check_complete(file, path)
        sr = file.samplerate
        first, n = _first_and_count(start, duration, sr)
        n = min(n, file.frames - first)
        if n <= 0:
            raise _no_samples(path, start, file.frames / sr)
        done = 0
        while done < n:
            limit = max(_MAX_SAMPLES // file.channels, 1)
            size = int(min(max(seconds * sr, 1), limit, n - done))
            try:
                if done == 0:
                    file.seek(first)
                samples = file.read(size, dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, RuntimeError) as error:
                raise AudioError(
                    path, f"is truncated or damaged ({error}); copy it again"
                ) from error
            done += len(samples)
            if len(samples) < size:
                raise AudioError(
                    path,
                    f"is truncated: its header declares {n} samples, but it "
                    f"contains {done}; copy it again",
                )
            channels = samples.shape[1]
            yield samples[:, 0] if channels == 1 else samples.mean(axis=1), sr


def _check_complete(file, path):
    """Raise an error if the file is shorter than its header says."""
    for promised, present in _PROMISED_SIZE.findall(file.extra_info):
        promised, present = int(promised), int(present)
        if present + _PADDING < promised < _UNKNOWN_SIZE:
            raise AudioError(
                path,
                f"is truncated: its header declares {promised} bytes, but it "
                f"contains {present}; copy it again",
            )


def _decode(path, reason, start, duration):
    """Decode with FFmpeg from the beginning, and keep the samples asked for."""
    done, sr, any_kept = 0, 0, False
    with contextlib.closing(_ffmpeg.chunks(path, reason)) as chunks:
        for samples, sr in chunks:
            first, n = _first_and_count(start, duration, sr)
            begin = max(first - done, 0)
            end = min(max(first + n - done, 0), len(samples))
            if begin < end:
                any_kept = True
                yield samples[begin:end], sr
            done += len(samples)
            if done >= first + n:
                break
    if not any_kept:
        raise _no_samples(path, start, done / max(sr, 1))


def _first_and_count(start, duration, sr):
    """Convert seconds to the first sample and the number of samples, maybe infinite."""
    limited = duration is not None and np.isfinite(duration)
    return round(start * sr), round(duration * sr) if limited else np.inf


def _no_samples(path, start, duration):
    return AudioError(
        path,
        f"has no samples after {start:g} s (it is {duration:.3f} s long); record it "
        "again, or correct the start",
    )


def resample(samples, orig_sr, target_sr):
    """Convert samples to another sampling rate (band-limited, soxr's high quality).

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,).
    orig_sr, target_sr : int
        Sampling rates in hertz, before and after.

    Returns
    -------
    numpy.ndarray
        float32, about ``len(samples) * target_sr / orig_sr`` samples.

    Raises
    ------
    ArgumentError
        If a sampling rate is not positive, or one is more than 200 times the other.

    Examples
    --------
    >>> resample(np.zeros(8000, np.float32), 8000, 16000).shape
    (16000,)
    """
    if orig_sr <= 0 or target_sr <= 0:
        raise ArgumentError(
            f"sampling rates must be positive; got {orig_sr} and {target_sr}. They are "
            "in hertz, for example 16000."
        )
    if not 1 / _MAX_RATIO <= target_sr / orig_sr <= _MAX_RATIO:
        raise ArgumentError(
            f"cannot resample from {orig_sr} to {target_sr} Hz: one is more than "
            f"{_MAX_RATIO} times the other. Is the header of the file damaged?"
        )
    samples = np.asarray(samples, dtype=np.float32)
    if orig_sr == target_sr:
        return samples
    import soxr

    return soxr.resample(samples, orig_sr, target_sr, quality="HQ")


def check(samples, path):
    """Raise an error if samples contain NaN or only silence.

    Parameters
    ----------
    samples : numpy.ndarray
        Shape (samples,).
    path : str or os.PathLike
        Path for the error message.

    Raises
    ------
    AudioError
        If a sample is NaN or infinite, or if all samples are silent.
    """
    n_bad = np.count_nonzero(~np.isfinite(samples))
    if n_bad:
        raise AudioError(
            path, f"has {n_bad} samples that are NaN or infinite; export it again"
        )
    if np.abs(samples).max(initial=0.0) <= SILENCE:
        raise AudioError(
            path, "is silent from beginning to end; record it again, or leave it out"
        )
