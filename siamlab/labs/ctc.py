"""The CTC lab (notebook 03): how outputs become phones, epoch by epoch."""

import html

import ipywidgets
import numpy as np
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import PowerNorm, to_rgba_array
from matplotlib.textpath import TextPath
from matplotlib.transforms import Affine2D, IdentityTransform

from .. import plots
from ..errors import ArgumentError
from ._lab import Lab, Picture
from ._reading import STAGES, collapse, read_off, shown


class _Letters(PathCollection):
    """Symbols at places: outlines, because hundreds of texts would be too slow.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
        Where.
    names : sequence of str
        All symbols that may be written; None for the blank.
    transform : matplotlib.transforms.Transform
        Of the places.
    """

    def __init__(self, ax, names, transform):
        # Snapped to whole pixels, an "l" may have no width.
        super().__init__([], offset_transform=transform, snap=False, clip_on=False)
        self.set_transform(IdentityTransform())
        self._outlines = {name: _outline(name) for name in names}
        ax.add_collection(self, autolim=False)

    def write(self, names, places, colors="black"):
        """Write each name at its place, the middle of it."""
        self.set_paths([self._outlines[name] for name in names])
        self.set_offsets(np.reshape(places, (-1, 2)))
        self.set_facecolor(colors)


def _outline(symbol, size=9):
    """Outline of a symbol, in pixels around its middle."""
    outline = TextPath((0, 0), shown(symbol), size=size)
    box = outline.get_extents()
    # Half an x-height up, so that all stand on one line.
    return outline.transformed(
        Affine2D().translate(-(box.x0 + box.x1) / 2, -0.27 * size)
    )


class _CTCPicture(Picture):
    """Outputs over time, the letters of the best path below them, and the lattice."""

    def __init__(self, symbols, phones, hop):
        self._symbols, self._phones, self._hop = symbols, phones, hop
        self._utterance = None  # whose time axis it is
        ratios = (1.1, 1, 1.5)
        super().__init__((11.5, 7), nrows=3, sharex=True, height_ratios=ratios)

    def prepare(self):
        """Draw axes; make curves, letters and the lattice."""
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
        ax.set_title("outputs (dashed: the blank); above, what was said when", y=1.1)
        self._said = _Letters(ax, self._symbols.symbols, ax.get_xaxis_transform())
        return self._curves, self._blank, self._said

    def _prepare_letters(self, ax):
        ax.set(ylim=(-0.5, 2.5))
        ax.set_yticks([2, 1, 0], STAGES)
        ax.hlines([0.5, 1.5], 0, 1, "0.9", transform=ax.get_yaxis_transform())
        # At a given height: to look for one costs a fifth of the painting.
        ax.set_title("the most probable output of each frame", y=1.0)
        self._letters = _Letters(ax, (None, *self._symbols.symbols), ax.transData)
        self._strokes = ax.plot([], [], color="0.5", linewidth=0.7)[0]
        return self._letters, self._strokes

    def _prepare_lattice(self, ax):
        plots.ctc_lattice(np.zeros((1, 1)), [], hop_seconds=self._hop, ax=ax)
        self._lattice = ax.images[0]
        # So that the broad band of a network that does not know when can be seen.
        self._lattice.set_norm(PowerNorm(0.5, 0, 1))
        style = {"color": "#D55E00", "linewidth": 3, "solid_capstyle": "butt"}
        self._alignment = ax.plot([], [], **style)[0]
        ax.set_ylabel("phone that was said", labelpad=36)
        ax.set_title("where in the sentence it is (orange: the one best path)", y=1.0)
        self._labels = _Letters(ax, self._symbols.symbols, ax.get_yaxis_transform())
        return self._lattice, self._alignment, self._labels

    def draw(self, found):
        """Move curves, letters and the lattice."""
        if found.utterance != self._utterance:
            self._turn_to(found)
        time = self._hop * (np.arange(len(found.path)) + 0.5)
        self._blank.set_data(time, found.posteriors[:, self._symbols.blank])
        self._curves.set_segments(
            [np.column_stack([time, found.posteriors[:, i]]) for i in self._others]
        )
        self._write(found, time)
        self._lattice.set_data(found.lattice.T)
        x, y = [], []
        for i, (first, last) in enumerate(found.alignment):
            x += [self._hop * first, self._hop * (last + 1), np.nan]
            y += [2 * i + 1, 2 * i + 1, np.nan]
        self._alignment.set_data(x, y)

    def _write(self, found, time):
        """Write what is left at each stage; strike out what is not at the next."""
        names, places, struck = [], [], []
        for stage in range(found.stage + 1):
            next_left = set(collapse(found.path, min(stage + 1, found.stage)))
            for t in collapse(found.path, stage):
                names.append(found.path[t])
                # Frames are narrower than letters: they take turns, high and low.
                places.append((time[t], 2 - stage + (-1) ** t * 0.2))
                struck.append(t not in next_left)
        colors = ["0.6" if out else "#0072B2" for out in struck]
        self._letters.write(names, places, colors)
        half, gap = np.array([0.3 * self._hop, 0.14]), (np.nan, np.nan)
        strokes = np.array(places)[struck, None] + np.array([-half, half, gap])
        self._strokes.set_data(*strokes.reshape(-1, 2).T)

    def _turn_to(self, found):
        """Give another utterance its time axis, and write what was said in it."""
        self._utterance = found.utterance
        end = self._hop * len(found.path)
        states = 2 * len(found.said) + 1
        self.axes[-1].set(xlim=(0, end), ylim=(states - 0.5, -0.5), yticks=[])
        self._lattice.set_extent((0, end, states - 0.5, -0.5))
        # Every other name stands further left: two columns have room for all.
        places = [(-0.015 - 0.02 * (i % 2), 2 * i + 1) for i in range(len(found.said))]
        self._labels.write(found.said, places)
        phones = () if self._phones is None else self._phones[found.utterance]
        middles = [((start + end) / 2, 1.05) for _, start, end in phones]
        self._said.write([symbol for symbol, _, _ in phones], middles)
        times = sorted({time for _, *times in phones for time in times})
        for borders in self._borders:
            borders.set_segments([[(time, 0), (time, 1)] for time in times])
        self.repaint()


class CTCLab(Lab):
    """Follow a network of phones through its training.

    Parameters
    ----------
    outputs : dict of str to sequence of sequence of array_like
        Logits of each network: by epoch, 0 before training; by utterance; shape
        (frames, outputs) each, without padding. `callbacks.Outputs` keeps them.
    vocabulary : ctc.Vocabulary
        What the outputs stand for, with a blank.
    truth : sequence of sequence of str
        The phones of each utterance; from about 40 on they are hard to read.
    hop_seconds : float
        From one output to the next, in seconds.
    phones : sequence of sequence of (str, float, float), optional
        Where they really are: symbol, start and end in seconds, for each utterance.
        What is no symbol of the network, such as a silence, is left out.
    names : sequence of str, optional
        Of the utterances; their phones by default.

    Attributes
    ----------
    network : ipywidgets.ToggleButtons
        Whose outputs; there is none if only one was given.
    utterance : ipywidgets.SelectionSlider
        Which, from 0.
    epoch : ipywidgets.IntSlider
        0 is before training.
    stage : ipywidgets.ToggleButtons
        How many of CTC's rules apply.
    name : ipywidgets.HTML
        Of the utterance.

    Raises
    ------
    ArgumentError
        If outputs, transcripts and symbols do not fit, outputs are not finite, or an
        utterance is too short for its phones.

    Examples
    --------
    >>> from siamlab.ctc import Vocabulary
    >>> symbols = Vocabulary(("a", "b"), blank=0)
    >>> before, after = np.zeros((6, 3)), 9 * np.eye(3)[[0, 1, 1, 0, 2, 0]]
    >>> lab = CTCLab({"small": [[before], [after]]}, symbols, ["ab"], hop=0.01)
    >>> lab.found.heard
    ('a', 'b')
    >>> lab.epoch.value = 0
    >>> round(lab.found.error_rate)
    1
    """

    def __init__(
        self, outputs, vocabulary, truth, *, hop_seconds, phones=None, names=None
    ):
        # Columns of a table, too, count from 0 from here on.
        truth = [list(said) for said in truth]
        names = [" ".join(said) for said in truth] if names is None else list(names)
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
        # No menus: JupyterLab takes the arrow keys away from a closed one.
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
                description="letters",
            ),
        }

        def compute(utterance, epoch, stage, network=first):
            return read_off(
                outputs[network], vocabulary, truth, utterance, epoch, stage
            )

        self.name = ipywidgets.HTML(layout={"width": "24em"})
        super().__init__(
            controls,
            compute,
            _CTCPicture(vocabulary, phones, hop_seconds),
            "go from epoch 0 on: what comes first, blanks or phones? Does the band of "
            "the lattice become narrow - and where it does not, what does the network "
            "know of the time?",
            below=[self.name],
        )
        # A path is a line longer than the picture is wide.
        self.readout.layout.max_width = f"{self.image.width}px"

    def _show(self, found):
        super()._show(found)
        self.name.value = f"“{html.escape(self.utterance.label)}”"


def _check(outputs, symbols, truth):
    """Refuse what cannot be read off, before anybody moves a slider."""
    epochs = {name: len(logits) for name, logits in outputs.items()}
    if not truth or not epochs or not all(epochs.values()):
        raise ArgumentError(
            "there must be a network, an epoch and an utterance; got "
            f"{len(truth)} utterances and these epochs by network: {epochs}"
        )
    if symbols.blank is None:
        raise ArgumentError("CTC needs symbols with a blank; got blank=None")
    first = next(iter(outputs.values()))[0]
    for name, logits in outputs.items():
        for epoch, found in enumerate(logits):
            where = f"outputs[{name!r}][{epoch}]"
            if len(found) != len(truth):
                raise ArgumentError(
                    f"{where} must hold logits for each of the {len(truth)} true "
                    f"transcripts; got {len(found)}"
                )
            for i, array in enumerate(found):
                shape, expected = np.shape(array), (len(first[i]), len(symbols))
                if shape != expected:
                    raise ArgumentError(
                        f"{where}[{i}] must have shape {expected}, frames and "
                        f"outputs; got {shape}"
                    )
                if not np.isfinite(array).all():
                    raise ArgumentError(
                        f"{where}[{i}] must be finite; got NaN or infinity: leave "
                        "out the epochs after the training diverged (FAULTS C18)"
                    )
    for i in range(len(truth)):
        str(read_off([first], symbols, truth, i))
