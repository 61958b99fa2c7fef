"""The minimal engine with one slip: the drift's variance grows by q dt, whatever has decayed.

Certification refuses it and names D-01. Run it as ``python -m quotemark.examples.wrong_engine``.
"""

from quotemark.examples import minimal_engine


def linear_variance(theta: float, process_noise: float, dt_s: float) -> float:
    """Q(dt) = q dt: right only while theta dt is small."""
    del theta
    return process_noise * dt_s


if __name__ == "__main__":
    minimal_engine.added_variance = linear_variance
    minimal_engine.main()
