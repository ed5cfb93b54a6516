"""The page that says how a run went."""

import base64
import html
import io

from .. import _files, metrics, plots

_STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }
table { border-collapse: collapse; } td, th { padding: 0.2em 1em 0.2em 0; }
th { text-align: left; } img { max-width: 100%; } pre { background: #f4f4f4; }
"""


def write_report(path, config, history, figures, rows):
    """Write the report of a run: one HTML file, pictures included.

    Parameters
    ----------
    path : str or os.PathLike
        Where to.
    config : Config
        What was trained on what.
    history : list of dict
        By epoch: epoch, loss, eer.
    figures : dict
        Of the exam.
    rows : embeddings.Embeddings
        Of the exam, with their speakers.
    """
    pictures = [(title, _picture(draw, title)) for title, draw in _draws(history, rows)]
    body = [
        f"<h1>{html.escape(config.network)}, {html.escape(config.loss)}</h1>",
        _table(figures),
        *(f"<h2>{title}</h2>\n{picture}" for title, picture in pictures),
        f"<h2>Configuration</h2>\n<pre>{html.escape(config.as_yaml())}</pre>",
    ]
    page = (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>siamlab run</title><style>{_STYLE}</style></head>\n<body>\n"
        + "\n".join(body)
        + "\n</body></html>\n"
    )
    with _files.atomic_write(path) as temporary:
        temporary.write_text(page, encoding="utf-8")


def _draws(history, rows):
    """Title and function of each picture."""
    losses, rates = ([h[name] for h in history] for name in ("loss", "eer"))
    yield "Loss", lambda: plots.training_curves({"training": losses})
    yield (
        "Equal error rate of the exam",
        lambda: plots.training_curves({"exam": rates}, label="equal error rate"),
    )
    pairs = metrics.pair_scores(rows, rows.speakers)
    yield "Detection errors", lambda: plots.det_curve(*pairs)
    if len(rows) >= 4:  # of which UMAP makes a map
        yield "Speakers of the exam", lambda: plots.speaker_map(rows)


def _table(figures):
    eer = figures["eer"]
    lines = [
        (
            "equal error rate",
            f"{eer['value']:.1%} [{eer['low']:.1%}, {eer['high']:.1%}]",
        ),
        ("misclassification rate", f"{figures['mr']:.2f}"),
        ("threshold on the cosine", f"{figures['threshold']['value']:.3f}"),
        ("speakers of the exam", figures["speakers"]),
        ("pairs of the same, of different", _pairs(figures)),
    ]
    cells = "".join(
        f"<tr><th>{name}</th><td>{value}</td></tr>" for name, value in lines
    )
    return f"<table>{cells}</table>\n<p>In brackets: 95 %, over speakers.</p>"


def _pairs(figures):
    return f"{figures['n_same']:,}, {figures['n_different']:,}"


def _picture(draw, title):
    """Draw a picture into the page itself, and close it."""
    import matplotlib.pyplot as plt

    buffer = io.BytesIO()
    with plt.style.context(plots.STYLE):
        figure = draw().figure
        figure.savefig(buffer, format="png", dpi=110, bbox_inches="tight")
    plt.close(figure)
    content = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f'<img alt="{title}" src="data:image/png;base64,{content}">'
