"""What a program may be known by beside its model and a batch."""

from ..errors import ArgumentError

# Rules that need one of these are "not examined" without it.
FACTS = {
    # of siamese programs
    "distance": "function of two embeddings, (pairs, dim) each -> distances",
    "embeddings": "one row for each recording or segment",
    "speakers": "who speaks in each row of embeddings",
    "sessions": "in which session each row was recorded",
    "segments": "embeddings of segments, one row each",
    "utterances": "of which utterance each row of segments is",
    "averaged": "one embedding for each utterance, made of segments",
    "trained_with": "name of the distance in the loss",
    "clustered_with": "name of the distance that is clustered with",
    "linkage_input": "what scipy.cluster.hierarchy.linkage is given",
    "metric": "function (speakers, embeddings) -> a number",
    "original": "a spectrogram as librosa gives it, (bands, frames)",
    "model_input": "the same spectrogram as the network receives it",
    "n_mels": "how many bands a spectrogram has",
    "bands": "the same",
    "crop": "function: long spectrogram -> segment",
    "recordings": "long spectrograms, (frames, bands) each",
    "starts": "where each segment begins in its recording",
    "train": "recordings of one side of a split, or a table of them",
    "test": "those of the other side",
    "epochs": "pairs of each epoch: tables, or arrays of indices",
    "workers": "pairs of each worker",
    # of both
    "batches": "pairs, or indices of recordings, of each batch",
    "callbacks": "those of model.fit",
    "history": "figures by epoch: a dict of lists, or what model.fit returns",
    "config": "configuration of a saved model, as a dict or as JSON",
    "saved_weights": "arrays of a weights file, by the name of the layer",
    "source": "text of the program",
    "optimizer_kwargs": "arguments of the optimizer, as they were written",
    "raises": "what Keras said when the program was run",
    "fit": "arguments of model.fit, as a dict",
    "seed": "that of keras.utils.set_random_seed, None for none",
    # of CTC programs
    "input_lengths": "frames of each utterance, as the loss receives them",
    "label_lengths": "labels of each utterance, as the loss receives them",
    "labels": "labels of each utterance",
    "frame_labels": "label of each frame, before they were collapsed",
    "collapse": "function: labels of frames -> labels",
    "segments_table": "labeled segments: a table, one row each",
    "one_hot": "targets of frames, before they were turned into numbers",
    "classes": "the same, as numbers",
    "decode": "function: outputs -> labels",
    "posteriors": "outputs of some utterances",
    "blank": "index of the blank",
    "features": "function: samples -> log spectrogram",
    "raw": "spectrograms before they were scaled",
    "scaled": "the same after",
    "loader": "function: list of files -> spectrograms",
    "files": "files for it",
    "broken": "one that is damaged",
    "order": "order of the utterances in each epoch",
    "lengths": "frames of each utterance",
    "blank_rate": "share of frames on which the blank is likeliest, by epoch",
    "grad_norms": "norm of the gradient at each step",
    "clipnorm": "to which it is clipped",
    "loss_by_utterance": "loss of each utterance",
}


def checked(facts):
    """Refuse names that no rule knows.

    Raises
    ------
    ArgumentError
        With the names that are known.
    """
    unknown = sorted(set(facts) - set(FACTS))
    if unknown:
        raise ArgumentError(
            f"no rule knows {', '.join(unknown)}; known are {', '.join(FACTS)}"
        )
    return facts
