"""Decode what libsndfile does not read: M4A, MP4, WMA, WebM, AMR and others.

FFmpeg decodes them, through PyAV (the package `av`), which ``siamlab[m4a]`` installs.

- `chunks`: the samples of a file, in pieces.
- `duration`: the duration of a file.
"""

import contextlib
import sys
import types

from .errors import AudioError

# By the first name of their reader (that of M4A is "mov"). Also those that libsndfile
# reads: they may hold codecs that it does not know. None that refers to other files
# (HLS, concat), which FFmpeg would open or download.
_CONTAINERS = (
    "mov,matroska,asf,ogg,aac,amr,caf,avi,flv,mpegts,wav,w64,aiff,au,mp3,flac,wv"
)
_MAX_DAMAGED = 2  # packets at the end of a file
_TOLERANCE = 0.1  # seconds; encoders count the padding at both ends differently


@contextlib.contextmanager
def _stream(file, path, reason):
    """Open a file at its best audio stream; convert FFmpeg's errors to AudioError."""
    try:
        import av
    except ImportError as error:  # not installed, or its library does not load
        raise AudioError(
            path,
            f"is not a sound file that libsndfile reads ({reason}); convert it to WAV "
            'or FLAC, or pip install "siamlab[m4a]", which reads more formats',
        ) from error

    def seek(offset, whence=0):
        """Return -1 for an impossible position; PyAV would print a traceback."""
        with contextlib.suppress(OSError, ValueError):
            return file.seek(offset, whence)
        return -1

    container = None
    file.seek(0)
    # Not its name: FFmpeg would take "a:b.m4a" for a protocol.
    opened = types.SimpleNamespace(read=file.read, seek=seek, tell=file.tell)
    options = {"format_whitelist": _CONTAINERS}
    try:
        with av.open(opened, metadata_errors="ignore", options=options) as container:
            stream = container.streams.best("audio")
            if stream is None:
                raise AudioError(path, "is not a sound file: it has no audio stream")
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


def chunks(file, path, reason):
    """Decode a file from its beginning.

    A decoder's state depends on everything before (the noise that it fills in, for
    example). Only a decoder that starts at the beginning gives the same samples for a
    part of a file as for the whole.

    Parameters
    ----------
    file : file
        The recording, open for reading bytes.
    path : str, os.PathLike or file
        Its name, for error messages.
    reason : str
        Why libsndfile cannot read it.

    Yields
    ------
    samples : numpy.ndarray
        Integers or floats, shape (channels, samples): a few thousand.
    sr : int
        Sampling rate in hertz.

    Raises
    ------
    AudioError
        If it cannot be decoded, or is shorter than its header says.
    """
    with _stream(file, path, reason) as (container, stream):
        promised, exact = _header_duration(container, stream)
        done, sr, end = 0, None, sys.maxsize
        for frame in _frames(container, stream):
            if sr is None:
                sr = frame.sample_rate
                end = round(promised * sr) if exact else end
            if frame.sample_rate != sr:
                raise AudioError(path, "changes its sampling rate; convert it to WAV")
            # The encoder has padded the last frame.
            samples = _channels(frame)[:, : end - done]
            done += samples.shape[1]
            if samples.size:
                yield samples, sr
        seconds = done / sr if sr else 0.0
        if promised is not None and seconds < promised - _TOLERANCE:
            raise truncated(path, f"{promised:.3f} s", f"{seconds:.3f} s")


def truncated(path, promised, present):
    """Create the error for a file that is shorter than its header says."""
    return AudioError(
        path,
        f"is truncated: its header declares {promised}, but it contains {present}; "
        "copy it again",
    )


def duration(file, path, reason):
    """Measure the duration: from the header if that counts samples, or by decoding.

    Parameters
    ----------
    file, path, reason
        As for `chunks`.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    """
    with _stream(file, path, reason) as (container, stream):
        promised, exact = _header_duration(container, stream)
    if exact:
        return promised
    done, sr = 0, 1
    for samples, sr in chunks(file, path, reason):  # noqa: B007
        done += samples.shape[1]
    return done / sr


def _frames(container, stream):
    """Decode all packets; a damaged one is an error, except at the end of the file.

    There, it may be a few zeros that fill a sector. Tags may be anywhere, as in MP3
    files that were joined.
    """
    from av.error import InvalidDataError

    damaged = []
    for packet in container.demux(stream):
        frames = []
        try:
            frames = packet.decode()
        except InvalidDataError as error:
            if bytes(packet)[:3] not in (b"ID3", b"TAG", b"APE"):
                damaged.append(error)
        if damaged and (frames or len(damaged) > _MAX_DAMAGED):
            raise damaged[0]
        yield from frames


def _channels(frame):
    """Return the samples of a frame, shape (channels, samples)."""
    from av import AudioResampler

    n_channels = frame.layout.nb_channels
    if frame.format.is_planar and n_channels >= 8:  # AV_NUM_DATA_POINTERS
        # Interleave them: PyAV would read past the end of FFmpeg's list of planes, and
        # Python would crash.
        (frame,) = AudioResampler(frame.format.packed).resample(frame)
    values = frame.to_ndarray()
    if frame.format.is_planar:
        return values
    return values.reshape(-1, n_channels).T  # from one row
