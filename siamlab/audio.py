"""Read sound files.

- Reading: `read`, the samples of a file or of a part of it; `blocks`, the same in
  pieces; `duration`, without reading the samples.
- Samples: `as_float`, from integers; `resample`, to another sampling rate; `Level`,
  also of offset, NaN and silence.

libsndfile reads most formats. FFmpeg, with ``siamlab[m4a]``, reads the others, and
files that do not contain their length. Notebook: ``01_sound_to_spectrogram``.
"""

import contextlib
import io
import os
import re

import numpy as np

from . import _ffmpeg
from .errors import ArgumentError, AudioError

__all__ = ["Level", "as_float", "blocks", "duration", "read", "resample"]

# libsndfile reads a truncated file without an error; only its log reports it. The sizes
# of the samples in WAV, AIFF and AU (the size of the whole file may be wrong: other
# things may follow); and of W64 and RF64.
_PROMISED_SIZE = re.compile(
    r"(?:data|SSND|Data Size|riff|Riff size) *: (\d+) \(should be (\d+)\)"
)
# Programs that stream a recording do not know its length yet. They write a size close
# to one of these: 0x7F000008 (sox), 0x7FFFF000, 0x7FFFFF00 (arecord), 0xFFFFFFFF.
_UNKNOWN_SIZES, _NEAR = (2**31, 2**32), 2**24
# Others write 0, which would be no samples (in RF64 elsewhere; as RIFF it is unknown).
_NO_SIZE = re.compile(
    rb"\ARF64|(?<=\.snd....).{4}|(?<=data)\0{4}|(?<=SSND)\0{3}[\0\x08]", re.DOTALL
)
_PADDING = 64  # bytes; some programs count their padding, some do not
# The frame with which most MP3 files begin: number of frames, and of bytes.
_MP3_INFO = re.compile(rb"(?:Xing|Info)\0{3}[\x03\x07\x0b\x0f](.{4})(.{4})", re.DOTALL)
_MP3_FRAME = 2048  # bytes, rounded up: some programs count this frame, some do not
_OGG_BEGINNING = b"OggS\0\2"  # of each stream in a file
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
    parts = blocks(path, start=start, duration=duration, seconds=np.inf)
    pieces, rates = zip(*parts, strict=True)
    return _joined(pieces), rates[0]


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
    with _open(path) as (file, sound, reason):
        if sound is None:
            pieces = _decode(file, path, reason, start, duration, seconds)
        else:
            pieces = _read(sound, path, start, duration, seconds)
        with contextlib.closing(pieces):
            for samples, sr in pieces:
                if np.isfinite(samples).all():
                    # Files of floats may exceed 1.
                    np.clip(samples, -1.0, 1.0, out=samples)
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
    with _open(path) as (file, sound, reason):
        if sound is None:
            return _ffmpeg.duration(file, path, reason)
        return sound.frames / sound.samplerate


@contextlib.contextmanager
def _open(path):
    """Open a file, and read its header with libsndfile.

    Yields the open file, libsndfile's `SoundFile`, and None; or, if FFmpeg is to read
    it, the file, None, and the reason.
    """
    import soundfile

    with open_file(path) as file, contextlib.ExitStack() as stack:
        sound, reason = None, None
        # A descriptor, not a name: libsndfile would guess from the end of a name that
        # text in "a.au" or "a.gsm" is raw samples.
        opened = file.fileno() if isinstance(file, io.FileIO) else file
        try:
            sound = stack.enter_context(soundfile.SoundFile(opened, closefd=False))
            if sound.frames == 0:
                file.seek(0)
                file = io.BytesIO(_NO_SIZE.sub(_unknown_size, file.read(), count=1))
                sound = stack.enter_context(soundfile.SoundFile(file))
        except (RuntimeError, TypeError) as error:  # of libsndfile, of soundfile
            reason = str(error).rsplit(": ", 1)[-1].rstrip(".")
        else:
            position = file.tell()
            if not _knows_length(sound, file, path):
                sound, reason = None, "it does not know the length"
            file.seek(position)  # libsndfile uses the same position
        yield file, sound, reason


def _unknown_size(match):
    """Return what replaces a size of 0, or the name of RF64, in a header."""
    return b"RIFF" if match[0] == b"RF64" else b"\xff" * 4


def open_file(path):
    """Open a path for reading, without a buffer; return an open file as it is."""
    if not isinstance(path, str | os.PathLike):
        return contextlib.nullcontext(path)
    name = os.path.expanduser(path)
    try:
        n_bytes = os.path.getsize(name)
        if not os.path.isfile(name):  # to open a pipe would block
            raise AudioError(path, "is not a regular file; pass a sound file")
        if not n_bytes:
            raise AudioError(path, "is empty (0 bytes); record or copy it again")
        return open(name, "rb", buffering=0)
    except (OSError, ValueError) as error:  # ValueError: a null character
        detail = getattr(error, "strerror", error)
        problem = f"cannot be opened ({detail}); check its path and permissions"
        raise AudioError(path, problem) from error


def _knows_length(sound, file, path):
    """Whether libsndfile knows the number of samples, and reads all of them.

    For many compressed files it has a guess, and reads no further than that.
    """
    for sizes in _PROMISED_SIZE.findall(sound.extra_info):
        promised, present = map(int, sizes)
        is_known = min(abs(promised - size) for size in _UNKNOWN_SIZES) > _NEAR
        if is_known and promised > present + _PADDING:
            raise _ffmpeg.truncated(path, f"{promised} bytes", f"{present} bytes")
    if sound.format == "MP3":
        file.seek(0)
        info = _MP3_INFO.search(file.read(2**20))
        if info is None:
            return False
        n_frames, promised = (int.from_bytes(number, "big") for number in info.groups())
        size = file.seek(0, os.SEEK_END)
        if promised > size + _MP3_FRAME:
            raise _ffmpeg.truncated(path, f"{promised} bytes", f"{size} bytes")
        is_complete = abs(promised - (size - info.start())) < _MP3_FRAME
        return is_complete and n_frames * 24 < promised < n_frames * _MP3_FRAME
    if sound.format == "OGG":
        file.seek(0)
        return file.read().count(_OGG_BEGINNING) == 1
    # MPEG: MP3 in a WAV file. A FLAC of unknown length has the largest integer.
    return sound.seekable() and sound.frames < 2**62 and "MPEG" not in sound.subtype


def _read(file, path, start, duration, seconds):
    """Read with libsndfile, in pieces of at most `seconds`."""
    sr = file.samplerate
    first, n = _first_and_count(start, duration, sr)
    n = min(n, file.frames - first)
    if n <= 0:
        raise _no_samples(path, start, file.frames / sr)
    size = int(min(max(seconds * sr, 1), max(_MAX_SAMPLES // file.channels, 1)))
    try:
        file.seek(first)
        for done in range(0, n, size):
            wanted = min(size, n - done)
            samples = file.read(wanted, dtype="float32", always_2d=True)
            if len(samples) < wanted:
                found = f"{done + len(samples)} samples"
                raise _ffmpeg.truncated(path, f"{n} samples", found)
            yield samples[:, 0] if file.channels == 1 else samples.mean(axis=1), sr
    except RuntimeError as error:  # of libsndfile
        problem = f"is truncated or damaged ({error}); copy it again"
        raise AudioError(path, problem) from error


def _decode(file, path, reason, start, duration, seconds):
    """Decode with FFmpeg from the beginning, and keep the samples asked for."""
    done, sr = 0, 0
    group: list = []  # FFmpeg's pieces are a few thousand samples long
    size = 0
    with contextlib.closing(_ffmpeg.chunks(file, path, reason)) as chunks:
        for channels, sr in chunks:
            samples = as_float(channels).mean(axis=0)
            first, n = _first_and_count(start, duration, sr)
            begin = max(first - done, 0)
            end = min(max(first + n - done, 0), len(samples))
            if begin < end:
                if group and size + end - begin > seconds * sr:
                    yield _joined(group), sr
                    size, group = 0, []
                size += end - begin
                group.append(samples[begin:end])
            done += len(samples)
            if done >= first + n:
                break
    if not group:
        raise _no_samples(path, start, done / max(sr, 1))
    yield _joined(group), sr


def _joined(pieces):
    return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)


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


def as_float(samples):
    """Convert samples to floating point; integers are scaled to [-1, 1].

    Parameters
    ----------
    samples : array_like
        float; or int8, uint8, int16, uint16, int32 or uint32 with the full scale of
        their type, as from `scipy.io.wavfile.read`. The middle of unsigned integers
        is 0.

    Returns
    -------
    numpy.ndarray
        float32, same shape.

    Raises
    ------
    ArgumentError
        If the samples have another type.

    Examples
    --------
    >>> as_float(np.array([-32768, 16384], np.int16)).tolist()
    [-1.0, 0.5]
    """
    samples = np.asarray(samples)
    kind, size = samples.dtype.kind, samples.dtype.itemsize
    if kind == "f":
        return samples.astype(np.float32, copy=False)
    if kind not in "iu" or size > 4:
        raise ArgumentError(
            "samples must be floats in [-1, 1], or integers of at most 32 bits with "
            f"the full scale of their type; got {samples.dtype}"
        )
    full_scale = 2.0 ** (8 * size - 1)
    return (samples / full_scale - (kind == "u")).astype(np.float32)


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
    if not 0 < max(orig_sr, target_sr) <= _MAX_RATIO * min(orig_sr, target_sr):
        raise ArgumentError(
            f"cannot resample from {orig_sr} to {target_sr} Hz: both must be positive, "
            f"and one at most {_MAX_RATIO} times the other. Is a header damaged?"
        )
    samples = as_float(samples)
    if orig_sr == target_sr:
        return samples
    import soxr

    return soxr.resample(samples, orig_sr, target_sr, quality="HQ")


class Level:
    """Level and offset of a recording that comes in pieces.

    Parameters
    ----------
    with_rms : bool
        Whether `offset_and_rms` is needed, which takes most of the time.

    Attributes
    ----------
    n, n_bad : int
        Number of samples, and how many of them are NaN or infinite.
    low, high : float
        Smallest and largest of the other samples.

    Examples
    --------
    >>> level = Level()
    >>> for piece in ([0.0, 0.5], [1.0, 0.5]):
    ...     level.add(np.array(piece))
    >>> offset, rms = level.offset_and_rms()
    >>> level.n, offset, round(rms, 4)
    (4, 0.5, 0.3536)
    """

    def __init__(self, *, with_rms=True):
        self.n = self.n_bad = 0
        self._with_rms = with_rms
        self.low, self.high = np.inf, -np.inf
        self._sum = self._power = 0.0

    def add(self, samples):
        """Include another piece.

        Parameters
        ----------
        samples : numpy.ndarray
            Shape (samples,).
        """
        self.n += len(samples)
        low, high = self._extremes(samples)
        if not (np.isfinite(low) and np.isfinite(high)):
            n_samples, samples = len(samples), samples[np.isfinite(samples)]
            self.n_bad += n_samples - len(samples)
            low, high = self._extremes(samples)
        self.low, self.high = low, high
        if self._with_rms:
            # In double precision: an offset must not hide the level.
            self._sum += float(samples.sum(dtype=np.float64))
            self._power += float(np.square(samples).sum(dtype=np.float64))

    def _extremes(self, samples):
        low = np.min(samples, initial=self.low)
        return float(low), float(np.max(samples, initial=self.high))

    def offset_and_rms(self):
        """Return the mean, and the root mean square of the rest.

        Returns
        -------
        offset : float
            Mean of the samples.
        rms : float
            Root mean square of the samples without the offset, at least 1e-6.
        """
        mean = self._sum / self.n
        return mean, float(np.sqrt(max(self._power / self.n - mean**2, 1e-12)))

    def check(self, path):
        """Raise an error if the recording cannot be used.

        Parameters
        ----------
        path : str or os.PathLike
            Path for the error message.

        Raises
        ------
        AudioError
            If a sample is NaN or infinite, or if the recording is silent.
        """
        if self.n_bad:
            problem = f"has {self.n_bad} samples that are NaN or infinite"
            raise AudioError(path, f"{problem}; export it again")
        if self.high - self.low <= 2 * SILENCE:  # apart from an offset
            problem = "is silent from beginning to end"
            raise AudioError(path, f"{problem}; leave it out, or record it again")
