"""Whole files of every kind that siamlab reads, and such as wish it ill."""

from .archives import archives
from .kept import caches, runs
from .networks import encoders, models
from .sounds import films, sounds
from .texts import configurations, tables, textgrids

# Of a thousand files, how many of which kind.
FAMILIES = {
    sounds: 280,
    films: 200,
    textgrids: 140,
    tables: 170,
    archives: 70,
    encoders: 50,
    models: 12,
    configurations: 50,
    caches: 30,
    runs: 2,
}
