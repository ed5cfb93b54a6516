"""What an older Keras understood: S32 CuDNNLSTM, S35 names of arguments."""

import ast
import inspect
import json

import keras
import numpy as np

from .. import source_text
from ..rule import NotExamined, rule

# Argument, of which calls ("" for any), and what it is called today. Keras 1 and 2.
_ARGUMENTS = {
    "init": ("", "kernel_initializer, or alpha_initializer of PReLU"),
    "W_regularizer": ("", "kernel_regularizer"),
    "b_regularizer": ("", "bias_regularizer"),
    "U_regularizer": ("", "recurrent_regularizer"),
    "W_constraint": ("", "kernel_constraint"),
    "dropout_W": ("", "dropout"),
    "dropout_U": ("", "recurrent_dropout"),
    "inner_activation": ("", "recurrent_activation"),
    "inner_init": ("", "recurrent_initializer"),
    "output_dim": ("", "units"),
    "nb_epoch": ("", "epochs"),
    "nb_filter": ("", "filters"),
    "filter_length": ("", "kernel_size"),
    "border_mode": ("", "padding"),
    "subsample": ("", "strides"),
    "samples_per_epoch": ("", "steps_per_epoch"),
    "nb_val_samples": ("", "validation_steps"),
    "nb_worker": ("", "workers, of the PyDataset"),
    "max_q_size": ("", "max_queue_size, of the PyDataset"),
    "show_accuracy": ("", 'metrics=["accuracy"]'),
    "consume_less": ("", "nothing: leave it out"),
    "lr": ("optimizer", "learning_rate"),
    "decay": ("optimizer", "a schedule, such as keras.optimizers.schedules"),
    "input": ("Model", "inputs"),
    "output": ("Model", "outputs"),
    "implementation": ("LSTM GRU", "nothing: leave it out"),
    "batch_input_shape": ("", "batch_shape of keras.Input"),
}
_OPTIMIZERS = {"SGD", "RMSprop", "Adagrad", "Adadelta", "Adam", "Adamax", "Nadam"}
_GONE = {
    "fit_generator": "fit",
    "evaluate_generator": "evaluate",
    "predict_generator": "predict",
    "predict_classes": "predict and argmax",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "MaxoutDense": "nothing",
    "merge": "a layer of keras.layers",
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
}
_MODULES = (
    "keras.backend.tensorflow_backend",
    "keras.layers.core",
    "keras.layers.recurrent",
    "keras.layers.convolutional",
    "keras.layers.normalization",
    "keras.engine",
    "keras.objectives",
    "keras.layers.advanced_activations",
    "keras.layers.cudnn",
    "keras.utils.np_utils",
)


def arguments_of_source(source, only=None):
    """Find arguments and functions of an older Keras in a program's text.

    Parameters
    ----------
    source : str
        Python.
    only : set of str, optional
        Arguments to look for; all by default.

    Returns
    -------
    list of (str, str, int)
        What is written, what it is today, and in which line.
    """
    found = []
    if callable(source):
        source = inspect.getsource(source)
    for node in ast.walk(source_text.parse(source)):
        if isinstance(node, ast.Call):
            name = source_text.name_of(node.func)
            for keyword in node.keywords:
                if keyword.arg not in _ARGUMENTS:
                    continue
                where, today = _ARGUMENTS[keyword.arg]
                if only and keyword.arg not in only:
                    continue
                if where == "optimizer" and name not in _OPTIMIZERS:
                    continue
                if where not in ("", "optimizer") and name not in where.split():
                    continue
                if where == "" and not _is_keras(name):
                    continue
                found.append((f"{name}({keyword.arg}=)", today, node.lineno))
            if only is None and name in _GONE and name != "merge":
                found.append((f"{name}(...)", _GONE[name], node.lineno))
        if only is None and isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if module.startswith(_MODULES):
                found.append((f"from {module}", "keras.layers", node.lineno))
    return found


def _is_keras(name):
    """Whether a call may be one of Keras': a layer, a method of a model."""
    return (
        hasattr(keras.layers, name)
        or name in _GONE
        or name
        in (
            "fit",
            "compile",
            "Model",
            "Sequential",
            "BatchNormalization",
            "Highway",
        )
    )


@rule(
    "S32",
    "siamese ctc",
    "fatal",
    title="Weights of a CuDNNLSTM",
    symptom="Unknown layer CuDNNLSTM, or a bias of another shape.",
    cause="CuDNNLSTM is gone from Keras 3; it kept two biases, 8 numbers for each "
    "unit, where LSTM keeps their sum, 4, and its kernels as cuDNN reads them.",
    fix="an LSTM with the weights of siamlab.training.load_old_weights: each gate's "
    "kernel transposed, the two biases summed",
    notebook="07_gpu_training",
)
def s32_cudnn_lstm(case):
    """The name in a saved configuration, and the size of a saved bias.

    8 numbers for each unit against 4: nothing lies between.
    """
    examined = False
    config = case.facts.get("config")
    if config is not None:
        examined = True
        text = config if isinstance(config, str) else json.dumps(config, default=str)
        for name in ("CuDNNLSTM", "CuDNNGRU"):
            if name in text:
                count = text.count(name)
                return count, f"the configuration names {name} {count} times"
    saved = case.facts.get("saved_weights")
    if saved is not None:
        examined = True
        for name, arrays in _groups(saved):
            shapes = [np.shape(a) for a in arrays]
            kernels = [s for s in shapes if len(s) == 2]
            biases = [s for s in shapes if len(s) == 1]
            for kernel in kernels:
                units = kernel[1] // 4
                recurrent = (units, 4 * units) in kernels
                for bias in biases:
                    if recurrent and bias == (8 * units,):
                        return bias[0] / units, (
                            f"the bias of {name} has {bias[0]} numbers, {8} for each "
                            "of "
                            f"{units} units; an LSTM has 4"
                        )
    source = case.facts.get("source")
    if source is not None:
        examined = True
        for what, _, line in arguments_of_source(source):
            if what.startswith("CuDNN"):
                return line, f"line {line} makes a {what.removesuffix('(...)')}"
    if not examined:
        raise NotExamined("needs config= or saved_weights= of the saved model")
    return None


def _groups(saved):
    """Arrays of each saved layer, by its name."""
    if isinstance(saved, dict):
        for name, arrays in saved.items():
            if isinstance(arrays, dict):
                arrays = list(arrays.values())
            yield name, arrays if isinstance(arrays, list | tuple) else [arrays]
    else:
        yield "the file", list(saved)


@rule(
    "S35",
    "siamese ctc",
    "fatal",
    title="Arguments of an older Keras",
    symptom="Unrecognized keyword arguments, or worse, none: they are ignored.",
    cause="The program was written for Keras 1 or 2.",
    fix="today's names",
    notebook="04_pairs_and_twins",
)
def s35_old_arguments(case):
    """Keyword arguments, in the program's text, that only an older Keras knew.

    One is enough; an argument counts only in a call of Keras' own names.
    """
    found, examined = [], False
    source = case.facts.get("source")
    if source is not None:
        examined = True
        found += [
            f"{what} in line {line} (today: {today})"
            for what, today, line in arguments_of_source(source)
        ]
    arguments = case.facts.get("optimizer_kwargs")
    if arguments is not None:
        examined = True
        for name in arguments:
            if name in ("lr", "decay"):
                found.append(f"{name}= of the optimizer (today: {_ARGUMENTS[name][1]})")
    raised = case.facts.get("raises")
    if raised is not None:
        examined = True
        text = str(raised)
        if "nrecognized keyword" in text or "unexpected keyword" in text:
            found.append(f"Keras says: {text.splitlines()[0][:100]}")
    if not examined:
        raise NotExamined("needs source=, the text of the program")
    if not found:
        return None
    return len(found), "; ".join(found[:4])
