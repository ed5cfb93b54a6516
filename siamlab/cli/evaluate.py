"""``siamlab evaluate``: how well an encoder tells speakers apart."""

import json

from . import _recordings


def add(commands):
    """Describe the command."""
    parser = commands.add_parser(
        "evaluate",
        help="measure how well speakers are told apart",
        description="Compare all recordings with each other: equal error rate with "
        "an interval over speakers, and misclassification rate of a clustering that "
        "knows how many speakers there are. With --across, pairs of one session are "
        "left out, which share the room as well as the speaker.",
        epilog="example: siamlab evaluate --data LibriSpeech --subset test-other",
    )
    _recordings.add(parser)
    _recordings.add_encoder(parser)
    parser.add_argument(
        "--across", action="store_true", help="only pairs of two sessions"
    )
    parser.add_argument(
        "--randomize-channel",
        metavar="DB",
        type=float,
        help="give each recording a microphone of its own: a random curve of so many "
        "decibels. What rises much then was the microphone",
    )
    parser.add_argument("--seed", type=int, default=0, help="of curves and intervals")
    parser.add_argument("--json", action="store_true", help="for scripts")
    parser.set_defaults(run=run, failed=1)


def run(arguments):
    """Embed, compare, and print the figures."""
    from .. import embeddings, features
    from ..errors import ArgumentError
    from ..runs.exam import examine

    if not 0 <= arguments.seed < 2**31:
        raise ArgumentError(
            f"--seed must be 0 or more, and less than 2**31; got {arguments.seed}"
        )
    encoder = _recordings.encoder(arguments)
    made = features.extract(_recordings.corpus(arguments), encoder.spectrogram)
    if arguments.randomize_channel:
        made = embeddings.randomize_channel(
            made, arguments.randomize_channel, arguments.seed
        )
    found, figures = examine(
        embeddings.embed(encoder, made),
        made.speakers,
        sessions=made.table["session"] if arguments.across else None,
        seed=arguments.seed,
    )
    if arguments.json:
        counts = {"utterances": len(made), "rejected": len(made.rejected)}
        print(json.dumps({**figures, **counts}))
        return
    n = figures["speakers"]
    print(f"{len(made)} recordings of {n} speakers, {len(made.rejected)} rejected")
    print(found)
    rate = figures["mr"]
    print(f"misclassification rate {rate:.2f} ({n} clusters, average linkage)")
