"""The CTC lab (notebook 04): how outputs become phones, epoch by epoch."""

import html

import ipywidgets
import numpy as np
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import PowerNorm, to_rgba_array
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D, IdentityTransform

from .. import plots
from ..errors import ArgumentError
from ._base import Lab, Picture
from ._ctc_decoding import STAGES, collapse, decode_utterance, symbol_text


class _Letters(PathCollection):
    """Symbols at given positions, as outlines: hundreds of texts would be too slow.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        The axes.
    names : sequence of str
        All symbols that may be drawn; None for the blank.
    transform : matplotlib.transforms.Transform
        Transform of the positions.
    """

    def __init__(self, ax, names, transform):
        # Snapped to whole pixels, an "l" may have no width.
        super().__init__([], offset_transform=transform, snap=False, clip_on=False)
        self.set_transform(IdentityTransform())
        self._outlines = {name: _outline(name) for name in names}
        ax.add_collection(self, autolim=False)

    def write(self, names, positions, colors="black"):
        """Draw each name, centered at its position."""
        self.set_paths([self._outlines[name] for name in names])
        self.set_offsets(np.reshape(positions, (-1, 2)))
        self.set_facecolor(colors)


def _outline(symbol, size=9):
    """Outline of a symbol, in pixels around its center."""
    outline = TextPath((0, 0), symbol_text(symbol), size=size)
    box = outline.get_extents()
    # Half an x-height up, so that all have the same baseline.
    return outline.transformed(
        Affine2D().translate(-(box.x0 + box.x1) / 2, -0.27 * size)
    )


class _CTCPicture(Picture):
    """Outputs over time, the symbols of the best path, and the lattice."""

    def __init__(self, symbols, phones, hop):
        self._symbols, self._phones, self._hop = symbols, phones, hop
        self._utterance = None  # the one that the time axis belongs to
        ratios = (1.1, 1, 1.5)
        super().__init__((11.5, 7), "a;b;c", sharex=True, height_ratios=ratios)

    def prepare(self):
        """Draw the axes; create curves, letters and the lattice."""
        outputs, rows, lattice = self.axes
        for ax in self.axes:
            ax.grid(visible=False)
        self._borders = [
            ax.vlines([], 0, 1, "0.8", linewidth=0.8) for ax in (outputs, lattice)
        ]
        for borders in self._borders:
            borders.set_transform(borders.axes.get_xaxis_transform())
        behind, before = self._borders  # the lattice covers what is behind it
        return (
            *(behind, *self._prepare_outputs(outputs)),
            *self._prepare_letters(rows),
            *(*self._prepare_lattice(lattice), before),
        )

    def _prepare_outputs(self, ax):
        self._others = np.delete(np.arange(len(self._symbols)), self._symbols.blank)
        colors = to_rgba_array([f"C{i % 6}" for i in self._others])
        self._curves = LineCollection([], colors=colors)
        ax.add_collection(self._curves)
        self._blank = ax.plot([], [], color="0.3", linestyle="--")[0]
        ax.set(ylabel="probability", ylim=(0, 1.05), yticks=[0, 0.5, 1])
        ax.set_title("outputs (dashed: the blank); above: the true phones", y=1.1)
        self._true_phones = _Letters(
            ax, self._symbols.symbols, ax.get_xaxis_transform()
        )
        return self._curves, self._blank, self._true_phones

    def _prepare_letters(self, ax):
        ax.set(ylim=(-0.5, 2.5))
        ax.set_yticks([2, 1, 0], STAGES)
        ax.hlines([0.5, 1.5], 0, 1, "0.9", transform=ax.get_yaxis_transform())
        # A fixed height: finding one takes a fifth of the drawing time.
        ax.set_title("the most probable output of each frame", y=1.0)
        self._letters = _Letters(ax, (None, *self._symbols.symbols), ax.transData)
        self._strokes = ax.plot([], [], color="0.5", linewidth=0.7)[0]
        return self._letters, self._strokes

    def _prepare_lattice(self, ax):
        plots.ctc_lattice(np.zeros((1, 1)), [], hop_seconds=self._hop, ax=ax)
        self._lattice = ax.images[0]
        # Small probabilities are visible, too: a network may be unsure of the time.
        self._lattice.set_norm(PowerNorm(0.5, 0, 1))
        style = {"color": "#D55E00", "linewidth": 3, "solid_capstyle": "butt"}
        self._alignment = ax.plot([], [], **style)[0]
        ax.set_ylabel("true phones", labelpad=36)
        ax.set_title("probability of each state (orange: the best path)", y=1.0)
        self._labels = _Letters(ax, self._symbols.symbols, ax.get_yaxis_transform())
        return self._lattice, self._alignment, self._labels

    def draw(self, result):
        """Move curves, letters and the lattice."""
        if result.utterance != self._utterance:
            self._switch_to(result)
        time = self._hop * (np.arange(len(result.path)) + 0.5)
        self._blank.set_data(time, result.posteriors[:, self._symbols.blank])
        self._curves.set_segments(
            [np.column_stack([time, result.posteriors[:, i]]) for i in self._others]
        )
        self._write(result, time)
        self._lattice.set_data(result.lattice.T)
        x, y = [], []
        for i, (first, last) in enumerate(result.alignment):
            x += [self._hop * first, self._hop * (last + 1), np.nan]
            y += [2 * i + 1, 2 * i + 1, np.nan]
        self._alignment.set_data(x, y)

    def _write(self, result, time):
        """Draw what remains at each stage; strike out what the next one removes."""
        names, positions, struck = [], [], []
        for stage in range(result.stage + 1):
            next_left = set(collapse(result.path, min(stage + 1, result.stage)))
            for t in collapse(result.path, stage):
                names.append(result.path[t])
                # Letters are wider than frames: they alternate between two heights.
                positions.append((time[t], 2 - stage + (-1) ** t * 0.2))
                struck.append(t not in next_left)
        colors = ["0.6" if out else "#0072B2" for out in struck]
        self._letters.write(names, positions, colors)
        half, gap = np.array([0.3 * self._hop, 0.14]), (np.nan, np.nan)
        strokes = np.array(positions)[struck, None] + np.array([-half, half, gap])
        self._strokes.set_data(*strokes.reshape(-1, 2).T)

    def _switch_to(self, result):
        """Change the time axis and the true phones to those of another utterance."""
        self._utterance = result.utterance
        end = self._hop * len(result.path)
        states = 2 * len(result.reference) + 1
        self.axes[-1].set(xlim=(0, end), ylim=(states - 0.5, -0.5), yticks=[])
        self._lattice.set_extent((0, end, states - 0.5, -0.5))
        # Two columns, so that all names have room.
        positions = [
            (-0.015 - 0.02 * (i % 2), 2 * i + 1) for i in range(len(result.reference))
        ]
        self._labels.write(result.reference, positions)
        phones = () if self._phones is None else self._phones[result.utterance]
        middles = [((start + end) / 2, 1.05) for _, start, end in phones]
        self._true_phones.write([symbol for symbol, _, _ in phones], middles)
        times = sorted({time for _, *times in phones for time in times})
        for borders in self._borders:
            borders.set_segments([[(time, 0), (time, 1)] for time in times])
        self.repaint()


class CTCLab(Lab):
    """Follow a phone recognizer through its training.

    Parameters
    ----------
    outputs : dict of str to sequence of sequence of array_like
        Logits of each network: by epoch, 0 before training; by utterance; shape (time,
        outputs) each, without padding, before training and after each epoch.
    vocabulary : ctc.Vocabulary
        Symbols of the outputs, with a blank.
    truth : sequence of sequence of str
        The phones of each utterance; more than about 40 are hard to read.
    hop_seconds : float
        Time between outputs, in seconds.
    phones : sequence of sequence of (str, float, float), optional
        True times of the phones: symbol, start and end in seconds, for each utterance.
        Symbols outside of the vocabulary, such as silence, are left out.
    names : sequence of str, optional
        Names of the utterances; their phones by default.

    Attributes
    ----------
    network : ipywidgets.ToggleButtons
        The network; left out if only one was given.
    utterance : ipywidgets.SelectionSlider
        Index of the utterance.
    epoch : ipywidgets.IntSlider
        0 is before training.
    stage : ipywidgets.ToggleButtons
        Number of rules of CTC that are applied.
    name : ipywidgets.HTML
        Name of the utterance.

    Raises
    ------
    ArgumentError
        If outputs, transcripts and vocabulary do not fit, outputs are not finite, or an
        utterance is too short for its phones.

    Examples
    --------
    >>> from siamlab.ctc import Vocabulary
    >>> vocabulary = Vocabulary(("a", "b"), blank=0)
    >>> before, after = np.zeros((6, 3)), 9 * np.eye(3)[[0, 1, 1, 0, 2, 0]]
    >>> outputs = {"small": [[before], [after]]}
    >>> lab = CTCLab(outputs, vocabulary, ["ab"], hop_seconds=0.01)
    >>> lab.result.decoded
    ('a', 'b')
    >>> lab.epoch.value = 0
    >>> round(lab.result.error_rate)
    1
    """

    def __init__(
        self, outputs, vocabulary, truth, *, hop_seconds, phones=None, names=None
    ):
        # Lists, because columns of a table have an index of their own.
        truth = [list(phones) for phones in truth]
        names = [" ".join(phones) for phones in truth] if names is None else list(names)
        if phones is not None:
            phones = [
                [p for p in each if p[0] in vocabulary.symbols] for each in phones
            ]
        _check(outputs, vocabulary, truth)
        for what, values in {"phones": phones, "names": names}.items():
            if values is not None and len(values) != len(truth):
                raise ArgumentError(
                    f"{what} must have an entry for each of the {len(truth)} "
                    f"utterances; got {len(values)}"
                )
        last = max(map(len, outputs.values())) - 1
        first, *others = outputs
        # Buttons and sliders: JupyterLab intercepts the arrow keys of a menu.
        network = ipywidgets.ToggleButtons(options=list(outputs), description="network")
        controls = {
            **({"network": network} if others else {}),
            "utterance": ipywidgets.SelectionSlider(
                options=[(name, i) for i, name in enumerate(names)],
                description="utterance",
                readout=False,
            ),
            "epoch": ipywidgets.IntSlider(last, 0, last, description="epoch"),
            "stage": ipywidgets.ToggleButtons(
                options=[(name, stage) for stage, name in enumerate(STAGES)],
                value=2,
                description="rules",
            ),
        }

        def compute(utterance, epoch, stage, network=first):
            return decode_utterance(
                outputs[network], vocabulary, truth, utterance, epoch, stage
            )

        self.name = ipywidgets.HTML(layout={"width": "24em"})
        super().__init__(
            controls,
            compute,
            _CTCPicture(vocabulary, phones, hop_seconds),
            "start at epoch 0: which comes first, blanks or phones? Does the band in "
            "the lattice become narrow? Where it does not, the network does not know "
            "when a phone occurs.",
            extra_widgets=[self.name],
        )
        # The path may be longer than the picture is wide.
        self.readout.layout.max_width = f"{self.image.width}px"

    def _show(self, result):
        super()._show(result)
        self.name.value = f"“{html.escape(self.utterance.label)}”"


def _check(outputs, vocabulary, truth):
    """Refuse outputs that cannot be decoded, before any control is moved."""
    epochs = {name: len(logits) for name, logits in outputs.items()}
    if not truth or not epochs or not all(epochs.values()):
        raise ArgumentError(
            "there must be a network, an epoch and an utterance; got "
            f"{len(truth)} utterances and these epochs by network: {epochs}"
        )
    if vocabulary.blank is None:
        raise ArgumentError("CTC needs a vocabulary with a blank; got blank=None")
    first = next(iter(outputs.values()))[0]
    expected = [(len(array), len(vocabulary)) for array in first[: len(truth)]]
    for name, logits in outputs.items():
        for epoch, arrays in enumerate(logits):
            where = f"outputs[{name!r}][{epoch}]"
            shapes = [np.shape(array) for array in arrays]
            if shapes != expected:
                raise ArgumentError(
                    f"{where} must have the shapes {expected}, (time, outputs) for "
                    f"each of the {len(truth)} utterances; got {shapes}"
                )
            if not all(np.isfinite(array).all() for array in arrays):
                raise ArgumentError(
                    f"{where} must be finite; got NaN or infinity. Leave out the "
                    "epochs after the training diverged (docs/doctor.md#c18)"
                )
    for i in range(len(truth)):
        str(decode_utterance([first], vocabulary, truth, i))
