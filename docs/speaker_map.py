"""Make the README's picture: python docs/speaker_map.py"""

from pathlib import Path

import matplotlib.pyplot as plt

import siamlab as sl

sl.course.start(seed=0)
corpus = sl.corpora.voices(n_speakers=60, n_utterances=12)
train, test = corpus.split(by="speaker", fractions=(0.8, 0.2), seed=0)
features, test_features = sl.extract(train), sl.extract(test)

scaler = sl.scaling.StandardScaler().fit(features)
encoder = sl.networks.blstm_encoder(head="unit", scaler=scaler)
net = sl.networks.SpeakerNet(encoder)
net.compile("adam", loss=sl.losses.SupervisedContrastive())
before = sl.embed(net, test_features)
net.fit(sl.sampling.SpeakerBatches(features), epochs=4)
after = sl.embed(net, test_features)

fig, axes = plt.subplots(1, 2, figsize=(9, 4.2), layout="constrained")
for ax, (title, embeddings) in zip(
    axes, {"untrained": before, "trained": after}.items(), strict=True
):
    sl.plots.speaker_map(embeddings, test_features.speakers, title=title, ax=ax)
fig.savefig(Path(__file__).with_suffix(".png"), dpi=130)
