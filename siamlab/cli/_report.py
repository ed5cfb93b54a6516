"""The report of a training: one HTML page."""

import base64
import html
import io

from .. import metrics, plots

_PAGE = """\
<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>siamlab train</title><style>
body {{ font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }}
td, th {{ padding: 0.2em 1em 0.2em 0; text-align: left; }}
img {{ max-width: 100%; }} pre {{ background: #f4f4f4; }}
</style></head><body>
<h1>Training with {loss}</h1>
<table>{rows}</table>
<p>On speakers that were not trained on. In brackets: 95 % interval over speakers.</p>
{figures}
<h2>Configuration</h2>
<pre>{config}</pre>
</body></html>
"""


def render_report(config, history, results, embedded):
    """Return the page as text.

    Parameters
    ----------
    config : Config
        What was trained on what.
    history : pandas.DataFrame
        Columns epoch, loss and val_eer.
    results : dict
        As `evaluate.evaluate` returns it.
    embedded : embeddings.Embeddings
        The test set.
    """
    eer = results["eer"]
    rows = {
        "equal error rate": f"{eer['value']:.1%} [{eer['low']:.1%}, {eer['high']:.1%}]",
        "misclassification rate": f"{results['mr']:.2f}",
        "threshold on the cosine": f"{results['threshold']['value']:.3f}",
        "speakers": results["speakers"],
        "same-speaker and different-speaker pairs": f"{results['n_same']:,} and "
        f"{results['n_different']:,}",
    }
    pairs = metrics.pair_scores(embedded, embedded.speakers)
    figures = {
        "Loss": lambda: plots.training_curves({"training": history["loss"]}),
        "Equal error rate after each epoch": lambda: plots.training_curves(
            {"test": history["val_eer"]}, label="equal error rate"
        ),
        "Detection error trade-off": lambda: plots.det_curve(*pairs),
    }
    if len(embedded) >= 4:  # the smallest number that UMAP can map
        figures["Map of the embeddings"] = lambda: plots.speaker_map(embedded)
    return _PAGE.format(
        loss=html.escape(config.loss),
        rows="".join(f"<tr><th>{k}</th><td>{v}</td></tr>" for k, v in rows.items()),
        figures="\n".join(_figure(title, draw) for title, draw in figures.items()),
        config=html.escape(config.to_yaml()),
    )


def _figure(title, draw):
    """Draw a figure and embed it into the page."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    with plt.style.context(plots.STYLE):
        figure = draw().figure
        figure.savefig(buffer, format="png", dpi=150, bbox_inches="tight")
    plt.close(figure)
    content = base64.b64encode(buffer.getvalue()).decode("ascii")
    source = f"data:image/png;base64,{content}"
    return f'<h2>{title}</h2>\n<img alt="{title}" src="{source}">'
