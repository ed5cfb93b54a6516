"""Progress bars that behave in JupyterLab, in a terminal and in a log file.

- `track`: an iterable with a bar around it.
- `print_line`: one line, where the bars go.

A bar of JupyterLab is a widget, a bar of a terminal is redrawn in place and
leaves with the work; a log file gets a line every ten seconds, and none for what
takes less. With
``SIAMLAB_PROGRESS=0`` in the environment there is none: so are the notebooks of
the course run, because a bar's time differs on each machine.
"""

import os
import sys

__all__ = ["print_line", "progress_bar"]

_LOG_INTERVAL_S = 10.0


class _Lines:
    """Standard error for a log file: a line for each state of a bar."""

    def write(self, text):
        text = text.strip("\r\n ")
        if text:
            sys.stderr.write(f"{text}\n")

    def flush(self):
        sys.stderr.flush()


def _in_jupyter():
    return "ipykernel" in sys.modules


def progress_bar(iterable, *, total=None, description="", unit="it"):
    """Iterate over something with a progress bar.

    Parameters
    ----------
    iterable : iterable or None
        What to iterate over; None for a bar that is moved by its `update`.
    total : int, optional
        Number of items, where `iterable` has no length.
    description : str
        What is being done, in front of the bar.
    unit : str
        What an item is called; "B" counts bytes, in kB, MB and so on.

    Returns
    -------
    tqdm.tqdm
        The same items in the same order. Its `set_postfix` shows figures
        beside the bar.

    Examples
    --------
    >>> [n * n for n in progress_bar(range(3), description="squares")]
    [0, 1, 4]
    """
    disabled = os.environ.get("SIAMLAB_PROGRESS", "1") == "0"
    if _in_jupyter() and not disabled:
        from tqdm.auto import tqdm
    else:
        from tqdm import tqdm
    interactive = _in_jupyter() or sys.stderr.isatty()
    return tqdm(
        iterable,
        total=total,
        desc=description,
        unit=unit,
        unit_scale=unit == "B",
        file=None if interactive else _Lines(),
        leave=not interactive,
        mininterval=0.1 if interactive else _LOG_INTERVAL_S,
        # A bar that is shorter than a blink is noise, and so is a line in a log for
        # what is done before it would be written.
        delay=0.5 if interactive else _LOG_INTERVAL_S,
        dynamic_ncols=interactive,
        disable=disabled,
    )


def print_line(line):
    """Print one line on standard error, above any bar.

    Parameters
    ----------
    line : str
        The line, without a newline.
    """
    from tqdm import tqdm

    tqdm.write(line, file=sys.stderr)
