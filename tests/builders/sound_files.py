"""Sound files of FFmpeg and TextGrids of Praat, written for the tests.

The benchmark of damaged files writes them as well.
"""

import av
import numpy as np


def tone(sr, seconds=1.0):
    """A sine of 440 Hz at half of full scale."""
    time = np.arange(round(sr * seconds)) / sr
    return 0.5 * np.sin(2 * np.pi * 440 * time).astype(np.float32)


def encode(file, samples, sr=16000, codec="aac", container=None, **options):
    """Write samples, (samples,) or (channels, samples), with a codec of FFmpeg.

    Returns the file, which may be a path or an open file.
    """
    samples = np.atleast_2d(samples).astype(np.float32)
    layout = {1: "mono", 2: "stereo", 8: "7.1"}[len(samples)]
    frame = av.AudioFrame.from_ndarray(samples.T.reshape(1, -1), "flt", layout)
    frame.sample_rate, frame.pts = sr, 0
    with av.open(file, "w", format=container, options=options) as target:
        stream = target.add_stream(codec, rate=sr, layout=layout, options=options)
        stream.bit_rate = 64000 * len(samples)
        stream.open()
        context = stream.codec_context
        resampler = av.AudioResampler(context.format, layout, sr, context.frame_size)
        for each in (frame, None):
            for part in resampler.resample(each):
                target.mux(stream.encode(part))
        target.mux(stream.encode(None))
    return file


def textgrid(*tiers, form="long", end=1.0):
    """Text of a TextGrid with tiers of points and intervals, as Praat writes it."""
    fields = [("File type =", '"ooTextFile"'), ("Object class =", '"TextGrid"')]
    fields += [("xmin =", 0), ("xmax =", end), ("tiers?", "<exists>")]
    fields += [("size =", len(tiers))]
    for name, entries in tiers:
        kind = "TextTier" if entries and len(entries[0]) == 2 else "IntervalTier"
        fields += [("item [1]: class =", f'"{kind}"'), ("name =", f'"{name}"')]
        fields += [("xmin =", 0), ("xmax =", end), ("size =", len(entries))]
        for label, *times in entries:
            fields += [("intervals [1]: xmin =", time) for time in times]
            fields += [("text =", '"{}"'.format(label.replace('"', '""')))]
    lines = [f"  {name} {x} " if form == "long" else str(x) for name, x in fields]
    return "\n".join(lines) + "\n"
