"""Is every format read completely and correctly?

    python benchmarks/formats.py [--only WORD] [--keep formats]

A voice of 3.1 s is written in each format by a program that siamlab does not read it
with (commands: formats.csv), or with a header made here. `siamlab.audio.read` is
compared with the original, and with a second decoder that siamlab did not use; for what
FFmpeg alone decodes, that is another version of FFmpeg. Lossless formats must be equal
to the original, others as long, or longer by the padding of their codec.
`siamlab.audio.duration` must agree with the samples that are read. The programs are
sox, lame and ffmpeg; rows that need a missing one are empty.
"""

import csv
import functools
import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import scipy.io.wavfile
import scipy.signal
from _report import argument_parser, machine, publish, table

import siamlab as sl

SECONDS, PADDING = 3.1, 2304  # the padding in samples: two frames of MP3
VARIANTS = (8000, 1), (16000, 2), (44100, 2), (48000, 1)  # sampling rate, channels
LIST = b"LIST\x12\0\0\0INFOISFT\x06\0\0\0maker\0"
UNKNOWN = 2**32 - 1


def sized(size):
    """Return a function that replaces the sizes in a WAV file, as a stream has them."""
    field = size.to_bytes(4, "little")
    return lambda wav: wav[:4] + field + wav[8:40] + field + wav[44:]


def rf64(wav):
    """Make a WAV file RF64: its sizes are in a chunk of their own, of 64 bits."""
    sizes = [len(wav) + 28, len(wav) - 44, 0]
    ds64 = b"ds64\x1c\0\0\0" + np.array(sizes, "<u8").tobytes() + bytes(4)
    unknown = sized(UNKNOWN)(wav)
    return b"RF64" + unknown[4:12] + ds64 + unknown[12:]


HEADERS = {  # of a WAV file of 16 bits
    "WAV, size 0": sized(0),
    "WAV, size 0x7FFFFFFF": sized(2**31 - 1),
    "WAV, size 0xFFFFFFFF": sized(UNKNOWN),
    "WAV, chunk behind": lambda wav: wav + LIST,
    "RF64": rf64,
}
FORMATS = {name: ("wav", "yes", "") for name in HEADERS}
with Path(__file__).with_suffix(".csv").open() as file:
    FORMATS.update((name, how) for name, *how in [*csv.reader(file)][1:])
DECODERS = {
    "ffmpeg": "ffmpeg -v error -i {} -c:a pcm_f32le {}",
    "sox": "sox {} -e float -b 32 {}",
}


def shell(command):
    """Run a command; return whether it succeeded."""
    done = subprocess.run(command, shell=True, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0


@functools.cache
def voice(sr, n_channels):
    """Return a voice of 16 bits, shape (samples, channels), of an odd length."""
    corpus = sl.corpora.voices(n_speakers=1, n_utterances=3, seed=0)
    samples = np.concatenate([corpus[i][0] for i in range(len(corpus))])
    samples = sl.audio.resample(samples, corpus[0][1], sr)
    samples = samples[: round(SECONDS * sr) // 2 * 2 + 1]
    samples *= 16000 / np.abs(samples).max()
    channels = [samples, np.roll(samples, sr // 100)][:n_channels]
    return np.stack(channels, axis=1).round().astype("<i2")


def signal_to_noise(samples, original):
    """Return the ratio in dB after alignment, and the shift in samples."""
    products = scipy.signal.correlate(samples, original, method="fft")
    shift = int(products.argmax()) - len(original) + 1
    samples, original = samples[max(shift, 0) :], original[max(-shift, 0) :]
    n = min(len(samples), len(original))
    noise = np.square(samples[:n] - original[:n], dtype=float).sum()
    power = np.square(original[:n], dtype=float).sum()
    return 10 * np.log10(power / max(noise, 1e-10 * power)), shift


def examine(name, sr, n_channels, folder):
    """Write a file and read it; return its row in the table."""
    suffix, lossless, command = FORMATS[name]
    original = voice(sr, n_channels)
    wav, path = folder / "original.wav", folder / f"a.{suffix}"
    scipy.io.wavfile.write(wav, sr, original)
    writer = command.split()[0] if command else "this program"
    if command:
        if not shell(command.format(wav=wav, out=path)):
            return name, writer, "not written", *["-"] * 8
    else:
        path.write_bytes(HEADERS[name](wav.read_bytes()))
    with sl.audio._open(path) as (_, sound, _):
        reader = "FFmpeg" if sound is None else "libsndfile"
    samples, rate = sl.audio.read(path)
    for second in sorted(DECODERS, reverse=sound is None):
        target = folder / f"{second}.wav"
        if shell(DECODERS[second].format(path, target)):
            break
    else:
        return name, writer, reader, "none", *["-"] * 7
    other_rate, other = scipy.io.wavfile.read(target)
    other = other.reshape(len(other), -1).mean(axis=1)
    original = sl.audio.resample(sl.audio.as_float(original).mean(axis=1), sr, rate)
    quality, shift = signal_to_noise(samples, original)
    agreement, _ = signal_to_noise(samples, sl.audio.resample(other, other_rate, rate))
    longer = len(samples) - len(original)
    if lossless == "yes":
        right = longer == shift == 0 and quality > 90 and agreement > 90
    else:  # M4A counts milliseconds
        right = -rate / 1000 < longer < PADDING and quality > 4 and agreement > 25
    right &= round(sl.audio.duration(path) * rate, 6) == len(samples)
    lengths = [len(samples), len(other) * rate / other_rate]
    more = [f"{n - len(original):+,.0f}" for n in lengths]
    row = [name, writer, reader, second, f"{sr} x {n_channels}", f"{len(original):,}"]
    return *row, *more, f"{quality:.0f}", f"{agreement:.0f}", "yes" if right else "NO"


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--only", default="", help="formats that contain this")
    arguments = parser.parse_args()
    rows = []
    for name, (sr, n_channels) in itertools.product(FORMATS, VARIANTS):
        if arguments.only in name:
            with tempfile.TemporaryDirectory() as folder:
                rows.append(examine(name, sr, n_channels, Path(folder)))
    head = ("format", "written by", "read by", "second decoder", "Hz x channels")
    head += ("samples", "read", "second", "SNR, dB", "SNR to second", "right")
    text = (
        "Samples: of the original, at the rate that is read; read, second: how many "
        "more are read, and by the second decoder. SNR: signal-to-noise ratio after "
        "alignment, at most 100 dB; to the original, and to the second decoder. "
        "WMA: FFmpeg's decoder skips one frame more than its encoder adds in front. "
        "W64: FFmpeg counts the bytes that fill up the last eight as samples.\n\n"
        f"{table(head, rows)}\n\n{machine('soundfile', 'av')}."
    )
    publish(text, arguments.keep)
    return int(any(row[-1] == "NO" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
