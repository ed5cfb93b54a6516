"""What all labs have in common."""

import base64
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor

import examples
import ipywidgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from examples import LABS

import siamlab as sl
from siamlab import errors, labs
from siamlab.labs.ctc import decode_utterance
from siamlab.labs.margin import hinge_statistics
from siamlab.labs.scaling import first_step, scaling_steps
from siamlab.labs.simplex import descend, starting_points
from siamlab.labs.spectrogram import analyze
from siamlab.labs.threshold import decide


@pytest.fixture(params=LABS, ids=lambda lab: lab.__name__)
def make(request):
    return LABS[request.param]


@pytest.fixture
def lab(make):
    return make()


def controls(lab):
    return dict(lab._controls)


def another_value(control):
    """Return a value that the control does not have now."""
    if isinstance(control, ipywidgets.FloatSlider | ipywidgets.IntSlider):
        middle = (control.min + control.max) / 2
        return control.min if control.value > middle else control.max
    values = [value for _, value in control._options_full]
    return next(value for value in values if value != control.value)


def test_all_public_classes_are_tested():
    assert {lab.__name__ for lab in LABS} == set(labs.__all__)


def test_each_control_changes_picture_and_numbers(lab):
    sizes = set()
    for name, control in controls(lab).items():
        assert control.description, name
        assert getattr(lab, name) is control
        picture, numbers, result = lab.image.value, lab.readout.value, lab.result
        sizes.add(plt.imread(io.BytesIO(picture)).shape[:2])
        control.value = another_value(control)
        assert lab.result != result, name
        assert lab.image.value != picture, name
        assert lab.readout.value != numbers, name
    ((height, width),) = sizes
    assert (str(width), plt.get_fignums()) == (lab.image.width, [])
    assert width <= 960  # next to the controls, on the screen of a laptop
    assert height <= 560


def set_ctc(lab):
    lab.set(network="scaled", utterance=1, epoch=1, stage=1)
    outputs, vocabulary, truth, _ = examples.phone_outputs()
    return decode_utterance(outputs["scaled"], vocabulary, truth, 1, epoch=1, stage=1)


def set_margin(lab):
    lab.set(margin=2, directions="summed", softmax=False)
    same, _, clipped = examples.pair_outputs()
    return hinge_statistics(*clipped, same, 2.0, "summed", clip=True)


def set_scaling(lab):
    lab.set(scaling="standardized", floor_db=-100)
    features = examples.spectrograms()
    scaler = scaling_steps(floor_db=-100)["standardized"].fit(features)
    return first_step(scaler.transform(features[0]))


def set_simplex(lab):
    lab.set(margin=2.0, directions="one", softmax=False, n_speakers=3, step=17)
    points, speakers = starting_points(3, n_points=4)
    return descend(points, speakers, 2.0, "one", False, n_steps=40).at(17)


def set_spectrogram(lab):
    lab.set(window=0.064, hop=0.016, n_mels="all", floor_db=-40)
    lengths = {"n_fft": 1024, "win_length": 1024, "hop_length": 256}
    spectrogram = sl.Spectrogram(**lengths, n_mels=None, floor_db=-40)
    return analyze(*examples.recording(), spectrogram)


def set_threshold(lab):
    lab.set(threshold=0.5, flipped=True)
    return decide(*examples.scores(), 0.5, flipped=True)


# Functions that set the controls, and return what the plain function computes.
NUMBERS = {
    labs.CTCLab: set_ctc,
    labs.MarginLab: set_margin,
    labs.ScalingLab: set_scaling,
    labs.SimplexLab: set_simplex,
    labs.SpectrogramLab: set_spectrogram,
    labs.ThresholdLab: set_threshold,
}


@pytest.mark.parametrize("kind", NUMBERS, ids=lambda lab: lab.__name__)
def test_a_lab_shows_the_numbers_of_its_function(kind):
    lab = LABS[kind]()
    assert NUMBERS[kind](lab) == lab.result
    assert lab.readout.value == str(lab.result)


def ctc_lab_of_three_frames(truth, logits=1.0):
    vocabulary = sl.ctc.Vocabulary(("a", "b"), blank=0)
    outputs = {"net": [[np.full((3, 3), logits)]]}
    return labs.CTCLab(outputs, vocabulary, [truth], hop_seconds=0.01)


UNSUITABLE = {
    "must be finite": lambda: ctc_lab_of_three_frames("ab", np.nan),
    "frames for 4 labels": lambda: ctc_lab_of_three_frames("abab"),
    "unknown symbols: c": lambda: ctc_lab_of_three_frames("c"),
    "got 3 and 40": lambda: labs.SpeakerExplorer(np.eye(3), examples.speakers()[1]),
    "Use a softmax": lambda: hinge_statistics(*np.ones((2, 2, 8)), [0, 1]),
    "0 of different": lambda: hinge_statistics(*np.ones((2, 2, 1)), [1, 1]),
    "at least one spectrogram": lambda: labs.ScalingLab([]),
    "2400 of 2400 are not": lambda: labs.ScalingLab([np.full((60, 40), np.nan)]),
    "got n_speakers=1, n_points=6": lambda: starting_points(1),
    r"\(2, 16000\)": lambda: labs.SpectrogramLab(np.zeros((2, 16000)), 16000),
    "at most 5 s": lambda: labs.SpectrogramLab(np.zeros(96000), 16000),
    "1 of 3 scores": lambda: labs.ThresholdLab([1, 0, 1], [0.1, np.nan, 0.3]),
}


@pytest.mark.parametrize(("message", "make"), UNSUITABLE.items())
def test_unsuitable_data_are_refused(make, message):
    with pytest.raises(sl.SiamlabError, match=message):
        make()


def test_two_labs_are_independent_and_can_be_reset(make):
    one, two = make(), make()
    first = one.image.value, one.readout.value
    for control in controls(one).values():
        control.value = another_value(control)
    assert (two.image.value, two.readout.value) == first
    one.reset_button.click()
    assert (one.image.value, one.readout.value) == first


def test_it_is_shown_as_a_widget_and_saved_as_a_picture(lab):
    bundle = lab._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert base64.b64decode(bundle["image/png"]) == lab.image.value
    assert bundle["text/plain"] == f"{type(lab).__name__}()"
    json.dumps(bundle)


def test_a_slider_and_a_cell_may_change_a_lab_at_the_same_time(monkeypatch):
    """JupyterLab handles sliders in a thread of their own."""
    lab, running, most = LABS[labs.MarginLab](), [], []
    draw = lab._picture.draw

    def draw_slowly(result):
        running.append(result)
        most.append(len(running))
        time.sleep(0.02)
        draw(running.pop())

    monkeypatch.setattr(lab._picture, "draw", draw_slowly)
    with ThreadPoolExecutor() as pool:
        for control in controls(lab).values():
            pool.submit(setattr, control, "value", another_value(control))
    assert max(most) == 1
    assert lab.shown_values == {k: c.value for k, c in controls(lab).items()}


def test_errors_are_shown_in_the_readout(monkeypatch):
    lab = LABS[labs.ThresholdLab]()

    def refuse(**_):
        raise errors.ArgumentError("the margin must be positive")

    monkeypatch.setattr(lab, "_compute", refuse)
    control = next(iter(controls(lab).values()))
    control.value = another_value(control)
    assert "the margin must be positive" in lab.readout.value
