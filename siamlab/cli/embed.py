"""``siamlab embed``: compute embeddings of recordings."""

import json

from . import _arguments


def add(commands):
    """Add the command to the parser."""
    parser = commands.add_parser(
        "embed",
        help="compute embeddings of recordings",
        description="Write one embedding for each recording to an .npz file, which "
        "holds the arrays embeddings (recordings x dimensions), speakers and paths.",
        epilog="example: siamlab embed my_recordings --output voices.npz --map map.png",
    )
    parser.add_argument(
        "recordings",
        metavar="PATH",
        help="a folder of recordings, or of a folder for each speaker",
    )
    parser.add_argument(
        "--output",
        metavar="FILE.npz",
        default="embeddings.npz",
        help="default: embeddings.npz",
    )
    _arguments.add_encoder(parser)
    parser.add_argument(
        "--map", metavar="FILE.png", help="plot a map of the embeddings to this file"
    )
    parser.add_argument("--json", action="store_true", help="output for scripts")
    parser.set_defaults(run=run, failed=1)


def run(arguments):
    """Compute and write the embeddings, and print what was written."""
    import numpy as np

    from .. import _files, embeddings
    from ..training import quiet_tensorflow

    if arguments.map:
        quiet_tensorflow()  # UMAP imports it
    encoder = _arguments.load_encoder(arguments)
    embedded = embeddings.embed(encoder, arguments.recordings)
    with (
        _files.atomic_write(arguments.output) as temporary,
        open(temporary, "wb") as file,
    ):
        np.savez(
            file,
            allow_pickle=False,
            embeddings=np.asarray(embedded),
            speakers=embedded.speakers,
            paths=embedded.table["path"].to_numpy(dtype=str),
        )
    if arguments.map:
        _arguments.save_figure(arguments.map, lambda plots: plots.speaker_map(embedded))
    summary = {
        "embeddings": len(embedded),
        "speakers": len(set(embedded.speakers) - {""}),
        "rejected": embedded.rejected.to_dict("records"),
        "output": str(arguments.output),
        **({"map": str(arguments.map)} if arguments.map else {}),
    }
    if arguments.json:
        print(json.dumps(summary))
    else:
        print(
            f"{summary['output']}: {summary['embeddings']} embeddings, "
            f"{summary['speakers']} speakers, {len(embedded.rejected)} recordings "
            "rejected"
        )
