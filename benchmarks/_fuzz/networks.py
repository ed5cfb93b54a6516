"""Encoders, models and batches."""

import io
import json
import os
import pickle
import tempfile
import textwrap
import warnings
import zipfile
from pathlib import Path

import numpy as np

import siamlab as sl

from . import damage
from .whole import Whole


class _Payload:
    """What runs when it is unpickled."""

    def __reduce__(self):

        return os.system, ("touch ../executed",)


def _npz(arrays, **others):
    file = io.BytesIO()
    np.savez(file, **{**arrays, **others})
    return file.getvalue()


def _npz_bomb(arrays, name):
    """An array of half a gigabyte, in two megabytes."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for key, array in {**arrays, name: np.zeros(2**27, np.float32)}.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(member, np.asarray(array))
    return file.getvalue()


def encoders():
    """The encoder that comes with siamlab, as small as it can be made, and others."""
    import keras

    keras.utils.set_random_seed(0)
    scaler = sl.scaling.StandardScaler().fit(
        np.random.default_rng(0).normal(size=(50, 16))
    )
    net = sl.networks.xvector_encoder(n_mels=16, units=4, output_dim=4, scaler=scaler)
    small = sl.embeddings.Encoder.from_network(
        net, sl.Spectrogram(n_mels=16), {"frames": 30, "hop": 15}
    )
    with tempfile.TemporaryDirectory() as folder:
        small.save(Path(folder) / "small.npz")
        content = (Path(folder) / "small.npz").read_bytes()
    with np.load(io.BytesIO(content)) as kept:
        arrays = dict(kept)

    def whole(content, ill=""):
        return Whole(
            "encoders", "encoder.npz", content, "encoder", damage.in_zip, ill=ill
        )

    yield whole(content)
    about = json.loads(str(arrays["about"]))
    payload = np.array([_Payload()], dtype=object)
    yield whole(_npz(arrays, **{"dense/bias": payload}), "pickled objects")
    yield whole(_npz_bomb(arrays, "dense/bias"), "a bomb")
    yield whole(pickle.dumps(_Payload()), "a pickle")
    for name, value in {
        "frames": 0,
        "hop": -1,
        "frames ": 1,
        "hop ": "a",
        "frames  ": 10**9,
    }.items():
        changed = {**about, name.strip(): value}
        text = np.array(json.dumps(changed))
        yield whole(_npz(arrays, about=text), f"{name.strip()} {value}")
    for name, value in {"rate": 1, "bands": 10**8, "hop": 1e-9, "window": 1e6}.items():
        spectrogram = {**about["spectrogram"], name: value}
        text = np.array(json.dumps({**about, "spectrogram": spectrogram}))
        yield whole(_npz(arrays, about=text), f"{name} {value}")
    for name in ("conv_3/kernel", "norm_2/beta", "scale/shift", "norm_pool/gamma"):
        fewer = {key: value for key, value in arrays.items() if key != name}
        yield whole(_npz(fewer), f"no {name}")
        yield whole(_npz(arrays, **{name: np.zeros((3, 2))}), f"another {name}")
        yield whole(_npz(arrays, **{name: np.array(["a"])}), f"text for {name}")


def _models():
    """(folder of) twins, a batch of them, as .keras and as .h5."""
    import keras

    keras.utils.set_random_seed(0)
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        base = sl.networks.blstm_encoder(
            n_frames=6, n_mels=5, units=4, output_dim=8, head="unit"
        )
        net = sl.networks.Siamese(
            base, "euclidean", sl.losses.DistanceHinge(margin=0.5)
        )
        net.compile()
        rng = np.random.default_rng(0)
        a, b = rng.normal(size=(2, 12, 6, 5)).astype("float32")
        net([a, b])
        plain = keras.Sequential(
            [keras.Input((6, 5)), keras.layers.Flatten(), keras.layers.Dense(3)]
        )
        plain.compile("adam", "mse")
        fancy = keras.Sequential(
            [keras.Input((6, 5)), keras.layers.Lambda(lambda x: x[:, 0])]
        )
        for name, each in (("net", net), ("plain", plain), ("fancy", fancy)):
            each.save(Path(folder) / f"{name}.keras")
            made[name] = (Path(folder) / f"{name}.keras").read_bytes()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it is an old format
            plain.save(Path(folder) / "plain.h5")
        made["h5"] = (Path(folder) / "plain.h5").read_bytes()
    batch = {"a": a, "b": b, "y": (np.arange(12) % 2).astype("float32")[:, None]}
    return made, batch, {"x": a, "y": rng.normal(size=(12, 3))}


def _other_config(content, change):
    """The same archive with another config.json."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(out, "w") as new:
        for member in old.infolist():
            inside = old.read(member)
            if member.filename == "config.json":
                inside = json.dumps(change(json.loads(inside))).encode()
            new.writestr(member.filename, inside)
    return out.getvalue()


def models():
    """Models and batches of ``siamlab doctor``."""
    made, batch, plain_batch = _models()
    pair, single = {"batch.npz": _npz(batch)}, {"batch.npz": _npz(plain_batch)}

    def model(name, content, tree, ill="", how=damage.in_zip):
        return Whole("models", name, content, "model", how, tree, ill)

    yield model("model.keras", made["net"], pair)
    yield model("model.keras", made["plain"], single)
    yield model("model.h5", made["h5"], single, how=damage.in_bytes)
    yield model("model.keras", made["fancy"], single, "runs code of its own")
    yield model("model.keras", pickle.dumps(_Payload()), single, "a pickle")
    evil = {
        "module": "os",
        "class_name": "function",
        "config": "system",
        "registered_name": "function",
    }

    def with_function(config):
        config["config"]["layers"][1]["config"]["activation"] = evil
        config["config"]["layers"][2]["config"]["activation"] = evil
        return config

    content = _other_config(made["plain"], with_function)
    yield model("model.keras", content, single, "names a function")

    def large(config):
        config["config"]["layers"][2]["config"]["units"] = 10**9
        return config

    content = _other_config(made["plain"], large)
    yield model("model.keras", content, single, "a billion units")
    tree = {"model.keras": made["net"]}

    def data(content, ill=""):
        return Whole("batches", "batch.npz", content, "batch", damage.in_zip, tree, ill)

    yield data(_npz(batch))
    payload = np.array([_Payload()], dtype=object)
    yield data(_npz(batch, y=payload), "pickled objects")
    yield data(_npz_bomb(batch, "y"), "a bomb")
    shapes = {
        "no rows": {key: value[:0] for key, value in batch.items()},
        "one row": {key: value[:1] for key, value in batch.items()},
        "text": {**batch, "y": np.array(["a"] * 12)},
        "times": {**batch, "a": np.zeros((12, 6, 5), "M8[s]")},
        "complex": {**batch, "a": batch["a"] * 1j},
        "a number": {**batch, "a": np.float32(3)},
        "other rows": {**batch, "y": batch["y"][:5]},
        "other bands": {**batch, "a": batch["a"][..., :2]},
        "nan": {**batch, "a": np.full_like(batch["a"], np.nan)},
        "huge": {**batch, "a": np.full_like(batch["a"], 3e38)},
        "three labels": {**batch, "y": np.arange(12.0)[:, None]},
        "no labels": {"a": batch["a"], "b": batch["b"]},
        "a name": {**batch, "../../a": np.zeros(3)},
        "facts": {**batch, "distance": np.zeros(2), "speakers": np.zeros((0, 3))},
    }
    for ill, arrays in shapes.items():
        yield data(_npz(arrays), ill)
    program = textwrap.dedent(
        """
        import keras
        opt = keras.optimizers.SGD(decay=1e-6)
        try:
            model.fit(x, y, epochs=3)
        except Exception:
            pass
        """
    )
    yield Whole(
        "configurations",
        "program.py",
        program.encode(),
        "source",
        damage.in_text,
        {"model.keras": made["net"], **pair},
    )
