"""Compute embeddings of recordings.

PATH is a folder of recordings, or a folder with one subfolder per speaker. The .npz
file contains the arrays embeddings (recordings x dimensions), speakers and paths, with
one row per recording.

example: siamlab embed my_recordings --output voices.npz --map map.png
"""

import json

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

    from .. import _files, embeddings
    from ..training import quiet_tensorflow

    if arguments.map:
        quiet_tensorflow()  # UMAP imports it
    encoder = _arguments.load_encoder(arguments)
    embedded = embeddings.embed(encoder, arguments.recordings)
    arrays = {
        "embeddings": np.asarray(embedded),
        "speakers": embedded.speakers,
        "paths": embedded.table["path"].to_numpy(dtype=str),
    }
    with _files.atomic_write(arguments.output) as temporary:
        with open(temporary, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
    if arguments.map:
        _arguments.save_figure(arguments.map, lambda plots: plots.speaker_map(embedded))
    rejected, n_speakers = embedded.rejected, len(set(embedded.speakers) - {""})
    if arguments.json:
        summary = {
            "embeddings": len(embedded),
            "speakers": n_speakers,
            "rejected": rejected.to_dict("records"),
            "output": arguments.output,
        }
        print(json.dumps(summary))
    else:
        counts = f"{len(embedded)} embeddings, {n_speakers} speakers"
        print(f"{arguments.output}: {counts}, {len(rejected)} recordings rejected")
