"""Progress bars for JupyterLab, a terminal and a log file.

- `progress_bar`: iterate over something with a progress bar.
- `map_in_threads`: call a function for many items at once, with a progress bar.
- `print_line`: print one line without disturbing the bars.
- `format_size`: a number of bytes with its unit, as the bars show it.

In JupyterLab, a bar is a widget. In a terminal, it is redrawn in place and removed at
the end. In a log file, one line is written every ten seconds. The environment variable
``SIAMLAB_PROGRESS=0`` disables the bars; the notebooks of the course are executed in
this way, because the times in a bar differ from run to run.
"""

import os
import sys
from concurrent.futures import ThreadPoolExecutor

_LOG_INTERVAL_S = 10.0


class _LogFile:
    """Standard error where it is not a terminal: one line per state of a bar."""

    def write(self, text):
        text = text.strip("\r\n ")
        if text:
            sys.stderr.write(f"{text}\n")

    def flush(self):
        sys.stderr.flush()


def _in_jupyter():
    return "ipykernel" in sys.modules


def progress_bar(iterable=None, *, total=None, description="", unit="it"):
    """Iterate over something with a progress bar on standard error.

    Parameters
    ----------
    iterable : iterable, optional
        What to iterate over. Without it, call the `update` method of the bar.
    total : int, optional
        Number of items, if `iterable` has no length.
    description : str
        Text before the bar.
    unit : str
        Name of one item. "B" counts bytes and shows kB, MB and so on.

    Returns
    -------
    tqdm.tqdm
        The bar, which yields the items in the same order.

    Examples
    --------
    >>> [n * n for n in progress_bar(range(3), description="squares")]
    [0, 1, 4]
    """
    from tqdm.auto import tqdm

    redrawn = _in_jupyter() or sys.stderr.isatty()
    interval = 0.1 if redrawn else _LOG_INTERVAL_S
    return tqdm(
        iterable,
        total=total,
        desc=description,
        unit=unit,
        unit_scale=unit == "B",
        file=None if redrawn else _LogFile(),
        leave=not redrawn,
        mininterval=interval,
        # Work that takes less time than this shows no bar at all.
        delay=0.5 if redrawn else _LOG_INTERVAL_S,
        dynamic_ncols=redrawn,
        disable=os.environ.get("SIAMLAB_PROGRESS") == "0",
    )


def map_in_threads(function, items, description, unit, max_workers=None):
    """Call a function for each item in threads, with a progress bar.

    Parameters
    ----------
    function : callable
        Called with one item. It should mostly wait for disks or other processes, or
        compute with NumPy.
    items : sequence
        The items.
    description, unit : str
        As for `progress_bar`.
    max_workers : int, optional
        As for `concurrent.futures.ThreadPoolExecutor`.

    Returns
    -------
    list
        The results, in the order of the items.

    Examples
    --------
    >>> map_in_threads(abs, [-1, 2], "numbers", "number")
    [1, 2]
    """
    pool = ThreadPoolExecutor(max_workers)
    try:
        found = pool.map(function, items)
        bar = progress_bar(found, total=len(items), description=description, unit=unit)
        return list(bar)
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt does not wait for the rest


def print_line(line):
    """Print one line on standard error, above any progress bar.

    Parameters
    ----------
    line : str
        The line, without a newline.
    """
    from tqdm import tqdm

    tqdm.write(line, file=sys.stderr)


def format_size(n_bytes):
    """Format a number of bytes with its unit.

    Parameters
    ----------
    n_bytes : int
        Number of bytes.

    Returns
    -------
    str
        Three digits, with a prefix of 1000 or a power of it.

    Examples
    --------
    >>> format_size(1234567)
    '1.23MB'
    """
    from tqdm import tqdm

    return tqdm.format_sizeof(n_bytes, "B")
