"""Compute embeddings of recordings.

PATH is a folder of recordings, or a folder with one subfolder per speaker. The .npz
file contains the arrays embeddings (recordings x dimensions), speakers and paths, with
one row per recording.

example: siamlab embed my_recordings --output voices.npz --map map.png
"""

from . import _arguments


def add_arguments(parser):
    """Add the arguments of the command."""
    parser.add_argument("recordings", metavar="PATH")
    parser.add_argument("--output", metavar="FILE.npz", default="embeddings.npz")
    _arguments.add_encoder(parser)
    parser.add_argument("--map", metavar="FILE.png", help="plot a map of the speakers")


def run(arguments):
    """Compute and write the embeddings, and print what was written."""
    import numpy as np
    import pandas as pd

    from .. import _files, corpora, embeddings, plots
    from ..training import quiet_tensorflow

    if arguments.map:
        quiet_tensorflow()  # UMAP imports it
    encoder = _arguments.load_encoder(arguments)
    corpus = corpora.recordings(arguments.recordings)
    embedded = embeddings.embed(encoder, corpus)
    arrays = {
        "embeddings": np.asarray(embedded),
        "speakers": embedded.speakers,
        "paths": embedded.table["path"].to_numpy(dtype=str),
    }
    _files.save_arrays(arguments.output, arrays)
    if arguments.map:
        _arguments.save_figure(arguments.map, lambda: plots.speaker_map(embedded))
    rejected = pd.concat([corpus.rejected, embedded.rejected])
    n_speakers = len(set(embedded.speakers) - {""})
    summary = {"embeddings": len(embedded), "speakers": n_speakers}
    summary["output"] = arguments.output
    counts = f"{len(embedded)} embeddings, {n_speakers} speakers"
    line = f"{arguments.output}: {counts}, {len(rejected)} recordings rejected"
    _arguments.print_results(arguments, summary, [line], rejected, corpus.skipped)
