"""Call a function for many files at once."""

from concurrent.futures import ThreadPoolExecutor

from .._progress import progress_bar


def map_in_threads(function, items, *, description, unit, max_workers=None):
    """Call a function for each item in threads, with a progress bar.

    Parameters
    ----------
    function : callable
        Called with one item. It should mostly wait for disks or other processes.
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
    """
    pool = ThreadPoolExecutor(max_workers)
    try:
        found = pool.map(function, items)
        bar = progress_bar(found, total=len(items), description=description, unit=unit)
        return list(bar)
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt does not wait for the rest
