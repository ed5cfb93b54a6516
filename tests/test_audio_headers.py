"""Sound files whose headers do not know the length, or give a wrong one.

The headers are written by hand, and compressed files by FFmpeg: never by the library
that reads them.
"""

import io
import os
import re
import struct

import numpy as np
import pytest
import scipy.signal
import soundfile
from sound_files import encode, tone

from siamlab import audio, errors

SR = 16000
PCM = np.random.default_rng(0).integers(-9000, 9000, 2 * SR)  # two seconds


def chunk(name, content, size=None):
    size = len(content) if size is None else size
    return name + struct.pack("<I", size) + content + bytes(len(content) % 2)


def wav(data=None, riff=None, behind=b"", name=b"RIFF", before=b"", bits=16, tag=1):
    """Write a WAV file of `PCM`; sizes that are given may be wrong."""
    content = {8: PCM // 256 + 128, 16: PCM, 32: PCM * 65536}[bits]
    content = content.astype({8: "u1", 16: "<i2", 32: "<i4"}[bits]).tobytes()
    width = bits // 8
    form = struct.pack("<HHIIHH", tag, 1, SR, width * SR, width, bits)
    chunks = before + chunk(b"fmt ", form) + chunk(b"data", content, data) + behind
    return chunk(name, b"WAVE" + chunks, riff)


def rf64(*sizes):
    sizes = chunk(b"ds64", struct.pack("<3QI", *sizes, 0))
    return wav(UNKNOWN, UNKNOWN, name=b"RF64", before=sizes)


def au(size):
    header = b".snd" + struct.pack(">5I", 24, size, 3, SR, 1)
    return header + PCM.astype(">i2").tobytes()


def aiff(size, n_frames):
    rate = b"\x40\x0c\xfa\0\0\0\0\0\0\0"  # 16,000 as an 80-bit float
    common = b"COMM" + struct.pack(">IhIh", 18, 1, n_frames, 16) + rate
    sound = b"SSND" + struct.pack(">3I", size, 0, 0) + PCM.astype(">i2").tobytes()
    body = b"AIFF" + common + sound
    return b"FORM" + struct.pack(">I", min(size + 46, 2**32 - 1)) + body


INFO = chunk(b"LIST", b"INFOISFT\x0a\0\0\0Recorder 1")
UNKNOWN = 2**32 - 1
WHOLE = {
    "as it should be": wav(),
    "8 bits": wav(bits=8),
    "32 bits": wav(bits=32),
    "into a pipe, FFmpeg": wav(UNKNOWN, UNKNOWN),
    "into a pipe, sox": wav(0x7FFFF000, 0x7FFFF024),
    "into a pipe, arecord": wav(0x7FFFFF00, 0x7FFFFF24),
    "size 0x7FFFFFFF": wav(2**31 - 1, 2**31 - 1),
    "size 0x80000000": wav(2**31, 2**31 + 36),
    "size 0": wav(0, 0),
    "RIFF of size 0": wav(riff=0),
    "RIFF too small": wav(riff=1000),
    "RIFF too large": wav(riff=10**6),
    "chunk behind": wav(behind=INFO),
    "chunk behind, not counted": wav(behind=INFO, riff=36 + 2 * len(PCM)),
    "chunk of odd length in front": wav(before=chunk(b"note", b"abc")),
    "zeros behind": wav(behind=bytes(4096)),
    "ID3 tag behind": wav(behind=b"TAG" + bytes(125)),
    "RF64": rf64(64072, 64000, 32000),
    "RF64, size 0": rf64(0, 0, 0),
    "AU": au(64000),
    "AU, size unknown": au(UNKNOWN),
    "AU, size 0": au(0),
    "AU, size 0x7FFFFFFF": au(2**31 - 1),
    "AIFF": aiff(64008, 32000),
    "AIFF into a pipe, sox": aiff(0x7F000008, 0x3F800000),
    "AIFF, size 8": aiff(8, 0),
}


@pytest.mark.parametrize("name", WHOLE)
def test_all_samples_are_read_whatever_the_header_says(tmp_path, name):
    path = tmp_path / "a.raw"  # the suffix says nothing either
    path.write_bytes(WHOLE[name])
    samples, sr = audio.read(path)
    expected = PCM // 256 / 128 if name == "8 bits" else PCM / 32768
    np.testing.assert_allclose(samples, expected, atol=1e-6)
    assert (sr, audio.duration(path)) == (SR, 2.0)
    open_file = io.BytesIO(WHOLE[name])
    np.testing.assert_array_equal(audio.read(open_file)[0], samples)


@pytest.mark.parametrize("name", ["as it should be", "AU", "AIFF", "RF64", "8 bits"])
def test_a_file_that_lacks_samples_is_truncated(tmp_path, name):
    path = tmp_path / "a.wav"
    path.write_bytes(WHOLE[name][:-20000])
    with pytest.raises(errors.AudioError, match="is truncated: its header declares"):
        audio.read(path)


@pytest.fixture
def noise(rng):
    """Three seconds, whose second half is loud: its frames of VBR are larger."""
    return rng.uniform(-0.5, 0.5, 3 * SR) * np.repeat([0.001, 1.0], 1.5 * SR)


TAG = b"ID3\4\0\0\0\0\0\x16" + b"TSSE\0\0\0\x0c\0\0\3Recorder 12"
PICTURE = b"ID3\3\0\0\0\2\0\0" + bytes(2 << 14)
BARE = {"write_xing": "0"}
VARIABLE = {"flags": "qscale", "global_quality": "500"}
MP3 = {
    "constant": (BARE, lambda x: x),
    "constant, tag": (BARE, lambda x: TAG + x),
    "constant, picture": (BARE, lambda x: PICTURE + x),
    "variable": (BARE | VARIABLE, lambda x: x),
    "variable, with counts": (VARIABLE, lambda x: x),
    "zeros behind": (BARE, lambda x: x + bytes(5000)),
    "with counts": ({}, lambda x: x),
    "wrong counts": ({}, lambda x: re.sub(rb"(?s)(?<=Info....)....", b"\0\0\0\5", x)),
}


@pytest.mark.parametrize("name", MP3)
def test_an_mp3_file_is_read_to_its_end(tmp_path, noise, name):
    options, change = MP3[name]
    path = encode(tmp_path / "a.mp3", noise, codec="libmp3lame", **options)
    content = path.read_bytes()
    path.write_bytes(change(content[content.index(b"\xff\xf3") :]))
    seconds = len(audio.read(path)[0]) / SR
    assert 3.0 <= seconds < 3.2
    assert audio.duration(path) == seconds


def test_files_joined_end_to_end_are_read_to_the_end_of_the_last(tmp_path, noise):
    for name, codec in {"a.mp3": "libmp3lame", "a.ogg": "libopus"}.items():
        path = encode(tmp_path / name, noise, codec=codec)
        path.write_bytes(2 * path.read_bytes())
        samples, sr = audio.read(path)
        assert 6.0 <= len(samples) / sr < 6.3


@pytest.mark.parametrize(("suffix", "codec"), [("mp3", "libmp3lame"), ("flac",) * 2])
def test_half_a_compressed_file_is_truncated(tmp_path, noise, suffix, codec):
    path = encode(tmp_path / f"a.{suffix}", noise, codec=codec)
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(errors.AudioError, match="is truncated"):
        audio.read(path)


def test_a_flac_file_of_unknown_length_is_read(tmp_path, noise):
    path = encode(tmp_path / "a.flac", noise, codec="flac")
    content = bytearray(path.read_bytes())
    content[21] &= 0xF0  # 36 bits hold the number of samples; 0 is unknown
    content[22:26] = bytes(4)
    path.write_bytes(content)
    samples, sr = audio.read(path)
    np.testing.assert_allclose(samples, noise, atol=1e-4)
    assert audio.duration(path) == 3.0
    np.testing.assert_array_equal(audio.read(path, start=1.0)[0], samples[sr:])


def test_a_codec_that_cannot_seek_is_read(tmp_path, rng):
    # GSM 06.10 in blocks of 320 samples, written by libsndfile and read by FFmpeg.
    path = tmp_path / "a.wav"
    soundfile.write(path, tone(8000), 8000, subtype="GSM610")
    whole, sr = audio.read(path)
    assert (len(whole), sr) == (8000, 8000)
    assert np.corrcoef(whole, tone(8000))[0, 1] > 0.9
    np.testing.assert_array_equal(audio.read(path, start=0.5)[0], whole[4000:])


@pytest.mark.parametrize("codec", "adpcm_ima_wav adpcm_ms libmp3lame pcm_mulaw".split())
def test_other_codecs_in_wav_files_are_read(tmp_path, noise, codec):
    samples, _ = audio.read(encode(tmp_path / "a.wav", noise, codec=codec))
    assert 0 <= len(samples) - len(noise) < 0.15 * SR  # blocks and padding
    products = scipy.signal.correlate(samples, noise)
    assert 0.8 < products.max() / (noise @ noise) < 1.1


def test_eight_channels_in_planes_do_not_end_python(tmp_path, in_a_process, noise):
    path = encode(tmp_path / "a.m4a", np.tile(noise, (8, 1)))
    program = "import sys, siamlab; print(len(siamlab.audio.read(sys.argv[1])[0]))"
    assert int(in_a_process(program, path)) == len(noise)


NO_SOUND = {
    "web page.mp3": b"<!DOCTYPE html><html>" + b"<p>Not found</p>" * 500,
    "samples.raw": PCM.astype("<i2").tobytes(),
    "text.au": b"not raw samples\n" * 500,
    "text.gsm": b"not raw samples\n" * 500,
    "text.vox": b"not raw samples\n" * 500,
}


@pytest.mark.parametrize("name", NO_SOUND)
def test_a_suffix_does_not_make_a_sound_file(tmp_path, name):
    (tmp_path / name).write_bytes(NO_SOUND[name])
    with pytest.raises(errors.AudioError, match="is not a sound file"):
        audio.read(tmp_path / name)
    with pytest.raises(errors.AudioError, match="is not a sound file"):
        audio.duration(tmp_path / name)


def test_a_named_pipe_is_refused_without_waiting_for_a_writer(tmp_path):
    os.mkfifo(tmp_path / "a.wav")
    with pytest.raises(errors.AudioError, match="is not a regular file"):
        audio.read(tmp_path / "a.wav")


def test_a_name_may_be_any_bytes_and_begin_with_a_tilde(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    name = os.fsdecode(b"gr\xfcn.wav")  # Latin-1
    (tmp_path / name).write_bytes(wav())
    assert len(audio.read(tmp_path / name)[0]) == len(PCM)
    assert len(audio.read(f"~/{name}")[0]) == len(PCM)


@pytest.mark.parametrize("kind", ["int16", "int32", "uint8", "float64"])
def test_integers_are_scaled_by_their_type(kind):
    scale = {"int16": 2**15, "int32": 2**31, "uint8": 2**7, "float64": 1}[kind]
    samples = scale * (np.array([-1.0, 0.5]) + (kind == "uint8"))
    assert audio.as_float(samples.astype(kind)).tolist() == [-1.0, 0.5]


@pytest.mark.parametrize("kind", [np.int64, bool, complex])
def test_samples_without_a_full_scale_are_refused(kind):
    with pytest.raises(errors.ArgumentError, match="samples must be floats in"):
        audio.as_float(np.zeros(4, kind))
