"""Decode what libsndfile does not read: M4A, MP4, WMA, WebM, AMR and others.

FFmpeg decodes them, through PyAV (the package `av`), which ``siamlab[m4a]`` installs.

- `is_available`: whether PyAV can be imported.
- `chunks`: the samples of a file, in pieces.
- `duration`: the duration of a file.
"""

import contextlib
import os

import numpy as np

from .errors import AudioError

__all__ = ["chunks", "duration", "is_available"]

# Containers that libsndfile does not read, or reads in part (Ogg, CAF). Not those that
# it does read: it reports a truncated WAV or FLAC, FFmpeg returns what there is. And
# none that refer to other files (HLS, concat), which FFmpeg would open or download.
_CONTAINERS = "mov,mp4,m4a,3gp,matroska,webm,asf,ogg,aac,amr,caf,avi,flv,mpegts"
_TOLERANCE = 0.1  # seconds; encoders count the padding at both ends differently


def is_available():
    """Whether PyAV can be imported.

    Returns
    -------
    bool
        False if it is not installed, or its library does not load.
    """
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


@contextlib.contextmanager
def _stream(path, reason):
    """Open a file at its best audio stream; convert FFmpeg's errors to AudioError."""
    import av

    container = None
    with contextlib.ExitStack() as stack:
        try:
            # An open file, not its name: FFmpeg would take "a:b.m4a" for a protocol.
            if isinstance(path, str | os.PathLike):
                file = stack.enter_context(open(path, "rb"))
            else:
                file = path
                file.seek(0)
            container = stack.enter_context(
                av.open(
                    file,
                    metadata_errors="ignore",
                    options={"format_whitelist": _CONTAINERS},
                )
            )
            stream = container.streams.best("audio")
            if stream is None:
                raise AudioError(path, "has no audio, only video; leave it out")
            yield container, stream
        except AudioError:
            raise
        # PyAV raises FFmpeg's codes as OSError, ValueError, EOFError and others.
        except Exception as error:
            detail = getattr(error, "strerror", None) or str(error)
            raise AudioError(
                path,
                f"is not a sound file that libsndfile ({reason}) or FFmpeg ({detail}) "
                "reads; copy it again, or convert it to WAV or FLAC"
                if container is None
                else f"is truncated or damaged ({detail}); copy it again",
            ) from error


def _header_duration(container, stream):
    """Seconds according to the header, or None; and whether it counts samples."""
    formats = container.format.name.split(",")
    if "mp4" in formats and (stream.duration or 0) > 0:
        return float(stream.duration * stream.time_base), True
    # Matroska and WebM round the duration, and files that a browser recorded have none.
    # If the stream has one as well, FFmpeg has guessed it from the file's size.
    if "matroska" in formats and stream.duration is None and container.duration:
        return container.duration / 1e6, False
    return None, False


def chunks(path, reason):
    """Decode a file from its beginning.

    A decoder's state depends on everything before (the noise that it fills in, for
    example). Only a decoder that starts at the beginning gives the same samples for a
    part of a file as for the whole.

    Parameters
    ----------
    path : str, os.PathLike or file
        The recording.
    reason : str
        Why libsndfile cannot read it.

    Yields
    ------
    samples : numpy.ndarray
        float32, shape (samples,): a few thousand; channels are averaged.
    sr : int
        Sampling rate in hertz.

    Raises
    ------
    AudioError
        If it cannot be decoded, or is shorter than its header says.
    """
    with _stream(path, reason) as (container, stream):
        promised, exact = _header_duration(container, stream)
        done, sr, end = 0, None, np.inf
        for frame in container.decode(stream):
            if sr is None:
                sr = frame.sample_rate
                end = round(promised * sr) if exact else np.inf
            if frame.sample_rate != sr:
                raise AudioError(
                    path,
                    f"changes its sampling rate from {sr} to {frame.sample_rate} Hz "
                    f"after {done / sr:.3f} s; convert it to WAV or FLAC",
                )
            # The encoder has padded the last frame.
            samples = _mono(frame)[: None if end == np.inf else max(end - done, 0)]
            done += len(samples)
            if len(samples):
                yield samples, sr
        seconds = done / sr if sr else 0.0
        if promised is not None and seconds < promised - _TOLERANCE:
            raise AudioError(
                path,
                f"is truncated: its header declares {promised:.3f} s, but it "
                f"contains {seconds:.3f} s; copy it again",
            )


def duration(path, reason):
    """Measure the duration: from the header if that counts samples, or by decoding.

    Parameters
    ----------
    path : str, os.PathLike or file
        The recording.
    reason : str
        Why libsndfile cannot read it.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    """
    with _stream(path, reason) as (container, stream):
        promised, exact = _header_duration(container, stream)
    if exact:
        return promised
    done, sr = 0, 1
    for samples, sr in chunks(path, reason):  # noqa: B007
        done += len(samples)
    return done / sr


def _mono(frame):
    """Average the channels of a frame; float32 in [-1, 1]."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:  # one row, with the channels interleaved
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype.kind == "u":
        middle = (np.iinfo(values.dtype).max + 1) // 2
        values = (values.astype(np.float32) - middle) / middle
    elif values.dtype.kind == "i":
        values = values / np.float32(-float(np.iinfo(values.dtype).min))
    return values.mean(axis=0, dtype=np.float32).astype(np.float32)
