"""A line with a constant through measured points, and how far it can be believed."""

import dataclasses

import numpy as np
from scipy.optimize import nnls


@dataclasses.dataclass(frozen=True)
class Fit:
    """``constant + factor * size ** order``; neither number is negative."""

    order: float
    constant: float
    factor: float
    residual: float  # the largest, as a share of what was measured
    exponent: float  # of a power law through the same points
    last: float  # how far the others' fit is from the last point, as a share of it

    def __call__(self, size):
        return self.constant + self.factor * np.asarray(size, float) ** self.order

    def reaches(self, value):
        """Size at which a value is reached; infinite where it does not grow."""
        if self.factor == 0:
            return float("inf")
        return max((value - self.constant) / self.factor, 0.0) ** (1 / self.order)


def fit(sizes, values, order):
    """Fit by least squares of relative errors: each point counts alike.

    The order is what the algorithm says: 1, or 2 where all pairs are looked at. At
    least three points, all positive; the last one is also predicted from the others.
    """
    sizes, values = np.asarray(sizes, float), np.asarray(values, float)
    if len(sizes) < 3 or not (values > 0).all():
        raise ValueError(f"a fit needs 3 positive points; got {values.tolist()}")
    constant, factor = _line(sizes, values, order)
    found = constant + factor * sizes**order
    a, b = _line(sizes[:-1], values[:-1], order)
    return Fit(
        order,
        constant,
        factor,
        float(np.abs(found / values - 1).max()),
        float(np.polyfit(np.log(sizes), np.log(values), 1)[0]),
        float((a + b * sizes[-1] ** order) / values[-1] - 1),
    )


def _line(sizes, values, order):
    # Scaled, or the columns would differ by ten powers of ten.
    scale = sizes[-1] ** order
    columns = np.stack([np.ones_like(sizes), sizes**order / scale], axis=1)
    (constant, factor), _ = nnls(columns / values[:, None], np.ones_like(sizes))
    return constant, factor / scale
