"""Values over time without their noise, and without lag: a curve through the neighbours of each moment."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

# Beyond so many sigmas a neighbour counts nothing.
_REACH = 4.0
# Added to the higher terms, so that few neighbours give a flat line and not a wild curve.
_RIDGE = 1e-3


def steadied(times: Values, values: Values, at: Values, sigma: float, degree: int) -> Values:
    """Return what ``values`` are at other moments, their noise averaged out (local regression).

    At each moment a polynomial is fitted to the values around it, weighted by exp(−t²/2σ²), and read off in
    its middle: moments before and after count alike, so that nothing lags, and a movement that is a
    polynomial of the degree stays as it is. What counts is time, not how many values there are.

    Args:
        times: When the values are, seconds [n], rising.
        values: [n,…].
        at: The moments, seconds [m].
        sigma: In seconds.
        degree: 0, 1 or 2.

    Returns:
        [m,…], float64.
    """
    assert len(times) == len(values) > 0 and 0 <= degree <= 2, (len(times), len(values), degree)
    made = np.stack([_weights(times, moment, sigma, degree) for moment in at])
    return np.asarray((made @ values.reshape(len(values), -1)).reshape(len(at), *values.shape[1:]))


def _weights(times: Values, moment: float, sigma: float, degree: int) -> Values:
    """Return the share of each value in the one at ``moment``, [n]; they add up to 1."""
    apart = (times - moment) / sigma
    # From the nearest on: far from all values the nearest one counts.
    near = np.square(apart) - np.square(apart).min()
    kernel = np.where(near <= _REACH**2, np.exp(-near / 2), 0.0)
    terms = np.stack([apart**power for power in range(degree + 1)], axis=1)
    ridge = np.diag([0.0] + [_RIDGE] * degree)
    normal = terms.T @ (kernel[:, None] * terms) + ridge
    weights = np.linalg.solve(normal, terms.T * kernel)[0]
    return np.asarray(weights / weights.sum())
