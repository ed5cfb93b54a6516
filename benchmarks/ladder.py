"""What is each fix of the siamese program worth?

    python benchmarks/ladder.py --data ROOT     real speech
    python benchmarks/ladder.py                 the synthetic voices

The rows are `siamlab.posts.FIXES`: one after the other, each alone, and all but one.
The shape is fixed first in all of them. Each program is trained on as many segments in
as many steps with the posted optimizer, and measured on speakers that were not in the
training set. ROOT holds train/ and heldout/ with a folder for each speaker, or has the
layout of LibriSpeech. Figures are saved after each training, so that a run can be
interrupted.
"""

from functools import partial

import keras
from _report import Runs, argument_parser, machine, publish, table
from _speakers import HEAD, caption, corpora, evaluate, line
from keras import ops

from siamlab import posts

NAMES = [fix.name for fix in posts.FIXES]
# Another metric does not change the training.
TRAINED = [name for name in NAMES if name != "metric"]
# The fixes of a network that is trained on pairs, without the shape.
PAIRS = ["scaling", "softmax", "both directions", "a hinge for each", "margin"]


def rows():
    """Yield the name of each row, its fixes, and whether it is trained."""
    yield "untrained", (), False
    yield "untrained, scaled", ("scaling", "softmax"), False
    yield "as posted", (), True
    for number, name in enumerate(TRAINED, start=1):
        yield f"+ {name}", tuple(TRAINED[:number]), True
    for name in PAIRS:
        yield f"{name} alone", (name,), True
    for name in PAIRS:
        # A hinge for each direction needs both directions.
        without = {name, "a hinge for each"} if name == "both directions" else {name}
        yield f"all but {name}", tuple(x for x in PAIRS if x not in without), True
    for goal in ("all pairs", "cosines"):
        yield f"{goal}, unscaled", (goal, "margin"), True


class Adam(keras.optimizers.Adam):
    """Adam that keeps the norm of the latest gradient."""

    def __init__(self, learning_rate):
        super().__init__(learning_rate)
        self.norm = keras.Variable(0.0, trainable=False, name="norm")

    def apply(self, grads, trainable_variables=None):
        squares = [ops.sum(ops.square(grad)) for grad in grads]
        self.norm.assign(ops.sqrt(sum(squares)))
        return super().apply(grads, trainable_variables)


class Steps(keras.callbacks.Callback):
    """Record the loss, accuracy and gradient norm of each step."""

    def __init__(self):
        super().__init__()
        self.found = {"loss": [], "accuracy": [], "gradient": []}

    def on_epoch_begin(self, epoch, logs=None):
        self._sums = dict.fromkeys(self.found, 0.0)

    def on_train_batch_end(self, batch, logs=None):
        # Keras reports the mean since the beginning of the epoch.
        for name in ("loss", "accuracy"):
            if name in logs:
                total = (batch + 1) * logs[name]
                self.found[name].append(round(total - self._sums[name], 4))
                self._sums[name] = total
        self.found["gradient"].append(round(float(self.model.optimizer.norm), 5))


def measure(features, test, arguments, fixes, is_trained, seed):
    """Return the figures of the test speakers after one training."""
    keras.utils.set_random_seed(seed)
    program = posts.with_fixes(*fixes, units=arguments.units)
    net, steps = program.network(features), Steps()
    metrics = [posts.siamese.accuracy] if not fixes else None
    net.compile(Adam(0.001), loss=net.loss, metrics=metrics)
    if is_trained:
        batches = program.batches(features, arguments.steps, seed)
        net.fit(batches, epochs=arguments.epochs, verbose=0, callbacks=[steps])
    base = net.get_layer("base_network")
    found = evaluate(base, test, program.similarities, "output", seed)
    # Those of all rows would fill thousands of lines.
    return {**found, "steps": steps.found if len(fixes) < 2 else {}}


def main():
    parser = argument_parser(__doc__)
    parser.add_argument("--data", metavar="ROOT", help="real speech")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--only", nargs="+", metavar="ROW", help="some of the rows")
    arguments = parser.parse_args()

    features, test = corpora(arguments.data)
    names = "steps", "epochs", "units"
    settings = {name: getattr(arguments, name) for name in names}
    settings |= {"train": repr(features), "test": repr(test)}
    runs = Runs(arguments.keep, settings)
    lines = []
    for name, fixes, is_trained in rows():
        if arguments.only is not None and name not in arguments.only:
            continue
        function = partial(measure, features, test, arguments, fixes, is_trained)
        found = runs.run_seeds(name, arguments.seeds, function)
        lines.append(line(name, found))
        print(*lines[-1], sep="  ", flush=True)
    parts = [
        f"{caption(features, test, arguments)}\n"
        f"{arguments.units} units in each LSTM; batches of 256 segments.",
        table(HEAD, lines),
        machine("tensorflow", "keras", "numpy") + ".",
    ]
    publish("\n\n".join(parts), arguments.keep)


if __name__ == "__main__":
    main()
