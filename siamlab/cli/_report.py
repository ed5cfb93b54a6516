"""The report of a training run: one HTML page."""

import base64
import html

from .. import metrics, plots
from ._arguments import render_figure

_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>siamlab train</title></head>
<body style="font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto">
<h1>Training with {loss}</h1>
<p>Results on speakers that were not in the training set:</p>
<ul>{results}</ul>
{figures}
<h2>Configuration</h2>
<pre>{config}</pre>
</body></html>
"""


def describe_eer(eer):
    """Write an equal error rate with its confidence interval, if it has one."""
    interval = "no confidence interval: too few speakers"
    if eer["low"] is not None:
        interval = "95 % confidence interval {low:.1%} to {high:.1%}".format(**eer)
    return f"equal error rate {eer['value']:.1%} ({interval})"


def render_report(config, history, results, embedded):
    """Return the page as text.

    Parameters
    ----------
    config : Config
        The configuration of the training run.
    history : pandas.DataFrame
        Columns epoch, loss and val_eer.
    results : dict
        As `evaluate.evaluate` returns it.
    embedded : embeddings.Embeddings
        The test set.
    """
    items = (
        describe_eer(results["eer"]),
        f"misclassification rate {results['mr']:.2f}",
        f"{results['speakers']} speakers, {results['n_same']:,} same-speaker pairs, "
        f"{results['n_different']:,} different-speaker pairs",
    )
    pairs = metrics.pair_scores(embedded, embedded.speakers)
    error_rates, label = {"test set": history["val_eer"]}, "equal error rate"
    figures = [
        _figure(lambda: plots.training_curves({"training set": history["loss"]})),
        _figure(lambda: plots.training_curves(error_rates, label=label)),
        _figure(lambda: plots.det_curve(*pairs)),
    ]
    if len(embedded) >= 4:  # the smallest number that UMAP can map
        figures.append(_figure(lambda: plots.speaker_map(embedded)))
    return _PAGE.format(
        loss=html.escape(config.loss),
        results="".join(f"<li>{item}</li>" for item in items),
        figures="\n".join(figures),
        config=html.escape(config.to_yaml()),
    )


def _figure(draw):
    """Draw a figure; return an HTML element that contains the image."""
    content = base64.b64encode(render_figure(draw, "png")).decode("ascii")
    return f'<img style="max-width: 100%" src="data:image/png;base64,{content}">'
