"""Spectrograms of the same FLAC files, in the same number of threads."""

import os
import shutil
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import soundfile
from _race import Way
from extraction import corpus_of
from threadpoolctl import threadpool_limits

COMPARED = 5  # files


def _each(root, files, threads, make):
    """Apply a function to each file, in a pool of threads, as ours does."""
    corpus, made = _corpus(root, files), []
    paths = list(corpus.table.path)
    make(paths[0])  # imports and compiles

    def run():
        made.clear()  # the last run's arrays are not this one's memory
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
            made.extend(pool.map(make, paths))

    return Way(run, _seconds(corpus), result=lambda: np.concatenate(made[:COMPARED]))


def _corpus(root, files):
    corpus = corpus_of(root)
    return corpus.select(range(min(files or len(corpus), len(corpus))))


def _seconds(corpus):
    return float((corpus.table.duration - corpus.table.start).sum())


def _read(path):
    return soundfile.read(path, dtype="float32")


def decoding(root, files, threads):
    """Nothing but FLAC to samples: what no way can be faster than."""
    return _each(root, files, threads, lambda path: _read(path)[0])


def by_librosa(root, files, threads):
    """librosa's own functions, with the settings of `siamlab.Spectrogram`."""
    import librosa

    from siamlab import Spectrogram

    ours = Spectrogram()
    lack = ours.n_fft - ours.win_length

    def make(path):
        samples, rate = _read(path)
        power = librosa.feature.melspectrogram(
            # librosa puts the window into the middle of the transform.
            y=np.pad(samples, (lack // 2, lack - lack // 2)),
            sr=rate,
            n_fft=ours.n_fft,
            win_length=ours.win_length,
            hop_length=ours.hop_length,
            n_mels=ours.n_mels,
            center=False,
        )
        return librosa.power_to_db(power, amin=1e-10, top_db=None).T

    return _each(root, files, threads, make)


def by_kaldi(root, files, threads):
    """kaldi-native-fbank, as near as its options come; see `throughput.py`."""
    import kaldi_native_fbank as knf

    from siamlab import Spectrogram

    ours, options = Spectrogram(), knf.FbankOptions()
    frames, mel = options.frame_opts, options.mel_opts
    frames.samp_freq = ours.sr
    frames.frame_length_ms, frames.frame_shift_ms = (
        1e3 * ours.window,
        1e3 * ours.hop_seconds,
    )
    frames.window_type, frames.dither, frames.preemph_coeff = "hann", 0.0, 0.0
    frames.remove_dc_offset, frames.snip_edges = False, True
    mel.num_bins, mel.low_freq, mel.high_freq = ours.n_mels, 0.0, ours.sr / 2
    mel.is_librosa = True  # the same filters; Kaldi's own refuse 128 bands
    options.eps = 10 ** (ours.floor_db / 10)

    def make(path):
        samples, rate = _read(path)
        bank = knf.OnlineFbank(options)
        bank.accept_waveform(rate, samples)
        bank.input_finished()
        each = [bank.get_frame(i) for i in range(bank.num_frames_ready)]
        return np.stack(each) * np.float32(10 / np.log(10))  # to dB

    return _each(root, files, threads, make)


def ours(root, files, threads):
    """Extract in memory, as the peers do."""
    import siamlab as sl

    corpus, made = _corpus(root, files), []
    sl.extract(corpus.select([0]), cache=False)

    def run():
        made.clear()
        made.extend(sl.extract(corpus, cache=False, n_jobs=threads))

    return Way(run, _seconds(corpus), result=lambda: np.concatenate(made[:COMPARED]))


def ours_kept(root, files, threads):
    """Extract with checksums of the recordings, and write into an empty cache."""
    import siamlab as sl

    corpus, made = _corpus(root, files), []
    cache = tempfile.mkdtemp()
    os.environ["SIAMLAB_CACHE"] = cache
    sl.extract(corpus.select([0]), cache=False)

    def run():
        made[:] = [sl.extract(corpus, n_jobs=threads)]

    def result():
        return np.concatenate([made[0][i] for i in range(min(COMPARED, len(corpus)))])

    def empty():
        made.clear()
        shutil.rmtree(cache, ignore_errors=True)

    def facts():
        empty()
        return {}

    return Way(run, _seconds(corpus), empty, result, facts)
