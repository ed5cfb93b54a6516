"""Faults of the pairs of a training: S24, S25, S26, S27."""

from ... import sampling
from ..check import check
from ..report import Skip

_NOTEBOOK = "05_siamese_networks"


def _problem(program, code):
    """Return the problem that `sampling.audit` reports under a code, or None."""
    if program.pairs is None:
        raise Skip("no pairs were given", "pairs")
    audit = sampling.audit(program.pairs)
    for problem in audit.problems:
        if problem.startswith(f"{code}: "):
            return 1.0, problem.removeprefix(f"{code}: ")
    if code in audit.unknown:
        raise Skip(f"the pairs do not say {audit.unknown[code]}")
    return None


@check("S24", "serious", _NOTEBOOK)
def s24_one_recording(program):
    """Both segments of a pair come from one recording.

    Symptom: Results too good to be true, which fail on other recordings.
    Cause: A pair shares room, microphone and mood, and the network learns these.
    Fix: draw the two segments from two recordings, of two sessions if possible

    As `siamlab.sampling.audit`: no pair of one recording, not all of one session. The
    audit also reports, under this code, speakers and recordings of the training set
    that are in the test set.
    """
    return _problem(program, "S24")


@check("S25", "serious", _NOTEBOOK)
def s25_repeated_pairs(program):
    """The same pairs are drawn again and again.

    Symptom: The training loss falls, the loss of other speakers rises.
    Cause: Pairs are drawn once, or each epoch and each worker starts from one seed.
    Fix: draw new pairs in each epoch, from a seed of (seed, epoch, index)

    As `siamlab.sampling.audit`: at most 30 % of the pairs were drawn before.
    """
    return _problem(program, "S25")


@check("S26", "serious", _NOTEBOOK)
def s26_easy_pairs(program):
    """All pairs of different speakers are easy.

    Symptom: The loss is low, and men are taken for each other.
    Cause: Each pair of different speakers is of a man and a woman.
    Fix: draw different speakers without regard to sex

    As `siamlab.sampling.audit`: some pairs of different speakers are of one sex.
    """
    return _problem(program, "S26")


@check("S27", "serious", _NOTEBOOK)
def s27_first_frames(program):
    """Segments always start at the first frame.

    Symptom: The network works on beginnings and on nothing else.
    Cause: spectrogram[:n_frames] instead of a random segment.
    Fix: draw the start of each segment at random

    As `siamlab.sampling.audit`: at most half of the segments start there. Recordings
    that were cut to the length of a segment before do not count.
    """
    return _problem(program, "S27")
