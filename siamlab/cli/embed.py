"""``siamlab embed``: a vector for each recording."""

import json

from . import _recordings


def add(commands):
    """Describe the command."""
    parser = commands.add_parser(
        "embed",
        help="turn recordings into vectors",
        description="Write one vector for each recording, of the encoder that comes "
        "with siamlab or of one that was trained with it. The .npz file holds "
        "embeddings (recordings x numbers), speakers and paths.",
        epilog="example: siamlab embed my_recordings --output voices.npz --map map.png",
    )
    parser.add_argument(
        "recordings", metavar="PATH", help="a folder, with speakers' folders or not"
    )
    parser.add_argument("--output", metavar="FILE.npz", default="embeddings.npz")
    _recordings.add_encoder(parser)
    parser.add_argument("--map", metavar="FILE.png", help="draw a map of them, too")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run, failed=1)


def run(arguments):
    """Embed, write, and say what was written."""
    import numpy as np

    from .. import _files, embeddings
    from ..training import quiet_tensorflow

    if arguments.map:
        quiet_tensorflow()  # UMAP imports it

    encoder = _recordings.encoder(arguments)
    rows = embeddings.embed(encoder, arguments.recordings)
    with _files.atomic_write(arguments.output) as temporary:
        with open(temporary, "wb") as file:
            np.savez(
                file,
                allow_pickle=False,
                embeddings=np.asarray(rows),
                speakers=rows.speakers,
                paths=rows.table["path"].to_numpy(dtype=str),
            )
    if arguments.map:
        _recordings.draw(arguments.map, lambda plots: plots.speaker_map(rows))
    done = {
        "embeddings": len(rows),
        "speakers": len(set(rows.speakers) - {""}),
        "rejected": rows.rejected.to_dict("records"),
        "output": str(arguments.output),
        **({"map": str(arguments.map)} if arguments.map else {}),
    }
    if arguments.json:
        print(json.dumps(done))
    else:
        print(
            f"{done['output']}: {done['embeddings']} embeddings, "
            f"{done['speakers']} speakers, {len(rows.rejected)} recordings rejected"
        )
