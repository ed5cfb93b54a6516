"""What libsndfile does not read: M4A, MP4, WMA, WebM, AMR and others.

FFmpeg reads them, through PyAV (package `av`), which is there with ``siamlab[m4a]``.

- `chunks`: the sound of a file, piece by piece.
- `duration`: its length.
"""

import contextlib
import os

import numpy as np

from .errors import AudioError

__all__ = ["chunks", "duration", "is_there"]

# Containers that libsndfile does not know, or knows in part (Ogg, CAF). Not those that
# it does: it says when a WAV or a FLAC breaks off, where FFmpeg takes what is there.
# And none that names other files (HLS, concat), which FFmpeg would go and fetch.
_CONTAINERS = "mov,mp4,m4a,3gp,matroska,webm,asf,ogg,aac,amr,caf,avi,flv,mpegts"
_SHORT = 0.1  # seconds; encoders differ in how they count what they add at both ends


def is_there():
    """Say whether PyAV can be imported.

    Returns
    -------
    bool
        False where it is not installed, or its library does not load.
    """
    try:
        import av  # noqa: F401
    except ImportError:
        return False
    return True


@contextlib.contextmanager
def _stream(path, said):
    """Open a file at its best audio stream; errors of FFmpeg become ours."""
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
                raise AudioError(path, "holds no sound, only pictures; leave it out")
            yield container, stream
        except AudioError:
            raise
        # PyAV raises FFmpeg's codes as OSError, ValueError, EOFError and others.
        except Exception as error:
            detail = getattr(error, "strerror", None) or str(error)
            raise AudioError(
                path,
                f"is no sound file that libsndfile reads ({said}), nor FFmpeg "
                f"({detail}); copy it again, or convert it to WAV or FLAC"
                if container is None
                else f"breaks off while it is decoded ({detail}); copy it again",
            ) from error


def _promised(container, stream):
    """Seconds that the header promises, or None; and whether it counts samples."""
    family = container.format.name.split(",")
    if "mp4" in family and (stream.duration or 0) > 0:
        return float(stream.duration * stream.time_base), True
    # Matroska and WebM round it, and what a browser records has none. A duration that
    # FFmpeg guesses from the size it gives to the stream as well.
    if "matroska" in family and stream.duration is None and container.duration:
        return container.duration / 1e6, False
    return None, False


def chunks(path, said):
    """Decode a file from its beginning on.

    A decoder's state reaches back further than any frame tells (noise that it fills
    in, for one): only so is a stretch the same, sample by sample, as in the whole.

    Parameters
    ----------
    path : str, os.PathLike or file
        The recording.
    said : str
        Why libsndfile does not read it.

    Yields
    ------
    samples : numpy.ndarray
        float32, shape (samples,): a few thousand; channels are averaged.
    rate : int
        Samples per second.

    Raises
    ------
    AudioError
        If it cannot be decoded, or is shorter than the container promises.
    """
    with _stream(path, said) as (container, stream):
        promised, exact = _promised(container, stream)
        done, rate, last = 0, None, np.inf
        for frame in container.decode(stream):
            if rate is None:
                rate = frame.sample_rate
                last = round(promised * rate) if exact else np.inf
            if frame.sample_rate != rate:
                raise AudioError(
                    path,
                    f"changes from {rate} to {frame.sample_rate} samples per second "
                    f"after {done / rate:.3f} s; convert it to WAV or FLAC",
                )
            # The last frame is filled up by the encoder.
            samples = _mono(frame)[: None if last == np.inf else max(last - done, 0)]
            done += len(samples)
            if len(samples):
                yield samples, rate
        length = done / rate if rate else 0.0
        if promised is not None and length < promised - _SHORT:
            raise AudioError(
                path,
                f"breaks off: its header promises {promised:.3f} s, "
                f"{length:.3f} s are there; copy it again",
            )


def duration(path, said):
    """Length of a file: from its header where that counts samples, else by decoding.

    Parameters
    ----------
    path : str, os.PathLike or file
        The recording.
    said : str
        Why libsndfile does not read it.

    Returns
    -------
    float
        Seconds.

    Raises
    ------
    AudioError
        If it cannot be decoded.
    """
    with _stream(path, said) as (container, stream):
        promised, exact = _promised(container, stream)
    if exact:
        return promised
    done, rate = 0, 1
    for samples, rate in chunks(path, said):  # noqa: B007
        done += len(samples)
    return done / rate


def _mono(frame):
    """Average the channels of a frame; float32 in [-1, 1]."""
    values = frame.to_ndarray()
    if not frame.format.is_planar:  # one row, channel by channel in turn
        values = values.reshape(-1, frame.layout.nb_channels).T
    if values.dtype.kind == "u":
        middle = (np.iinfo(values.dtype).max + 1) // 2
        values = (values.astype(np.float32) - middle) / middle
    elif values.dtype.kind == "i":
        values = values / np.float32(-float(np.iinfo(values.dtype).min))
    return values.mean(axis=0, dtype=np.float32).astype(np.float32)
