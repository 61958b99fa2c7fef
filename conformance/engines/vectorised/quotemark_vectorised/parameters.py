"""Parameters of a batch: one configuration a market, put together.

A campaign that sweeps a parameter gives each market its own configuration. Where they differ the
batch's holds an array [markets] in place of the number, and the formulas take the one as the other.
What shapes arrays or picks a formula (gates, names, whole numbers, sizes, ticks) all must share.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from types import SimpleNamespace
from typing import cast

import numpy as np

from quotemark_reference.config import AnyConfig
from quotemark_reference.errors import OutOfRangeError


def together(configs: Sequence[AnyConfig]) -> AnyConfig:
    """Put the markets' configurations together, in their order.

    Raises :class:`OutOfRangeError` without a market, or where they differ in what all must share.
    """
    if not configs:
        raise OutOfRangeError("configs is empty, expected one for each market")
    distinct = list(dict.fromkeys(configs))
    if len(distinct) == 1:
        return distinct[0]
    shared = asdict(distinct[0])
    for spec in fields(distinct[0]):
        values = {getattr(config, spec.name) for config in distinct}
        if len(values) == 1:
            continue
        if not isinstance(spec.default, float) or "options" in spec.metadata:
            raise OutOfRangeError(f"{spec.name} differs between markets, expected one for all")
        shared[spec.name] = np.array([getattr(config, spec.name) for config in configs])
    # a namespace with the names of the configuration, some of them arrays
    return cast("AnyConfig", SimpleNamespace(**shared))
