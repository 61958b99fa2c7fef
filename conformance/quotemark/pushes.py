"""What moved the drift in a replay: the pushes of each source, from cycle to cycle.

An observation z pushes the drift mu by K (z - mu), K being its gain. The hot composite pushes once
for its parts: each has the share of its precision, K_i = K (1/R_i) / sum(1/R), so that its push is
K_i (z_i - mu). A push then fades as the drift itself does, by e^(-theta dt), so that what is left
of all pushes is the drift.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct

from quotemark.messages import Json
from quotemark.replay import Frame

COMPOSITE = "composite"
ON_ARRIVAL = ("fill", "trend")
"""Sources that push when they come, before the cycle propagates the drift; others push after."""


def standing_pushes(frames: Sequence[Frame]) -> dict[str, list[float]]:
    """What is left at each cycle of each source's pushes, in bp/s; together they are the drift.

    Empty where the engine does not show its observations and theta, or has no observation.
    """
    if any("theta_per_s" not in frame.observation for frame in frames):
        return {}
    standing: defaultdict[str, float] = defaultdict(float)
    at_cycles: list[dict[str, float]] = []
    last_ms = frames[0].t_ms if frames else 0
    for frame in frames:
        came = list(pushes(frame.observation))
        for source, push in came:
            if source in ON_ARRIVAL:
                standing[source] += push
        fading = _fading(frame, last_ms)
        for source in standing:
            standing[source] *= fading
        for source, push in came:
            if source not in ON_ARRIVAL:
                standing[source] += push
        at_cycles.append(dict(standing))
        last_ms = frame.t_ms
    return {source: [at.get(source, 0.0) for at in at_cycles] for source in standing}


class SourceSummary(Struct, frozen=True):
    """How often a source reached the filter, and how far it pushed the drift, in bp/s."""

    source: str
    observations: int
    mean_push: float
    mean_absolute_push: float


def source_summaries(frames: Sequence[Frame]) -> list[SourceSummary]:
    """Each source that reached the filter, in order of its first observation."""
    by_source: defaultdict[str, list[float]] = defaultdict(list)
    for frame in frames:
        for source, push in pushes(frame.observation):
            by_source[source].append(push)
    return [
        SourceSummary(
            source=source,
            observations=len(found),
            mean_push=sum(found) / len(found),
            mean_absolute_push=sum(map(abs, found)) / len(found),
        )
        for source, found in by_source.items()
    ]


def insufficient_depths(frames: Sequence[Frame]) -> Counter[float]:
    """Cycles whose book did not reach a depth, by depth in bp."""
    return Counter(
        depth_bps
        for frame in frames
        for depth_bps in frame.observation.get("insufficient_depth_bps") or ()
    )


def _fading(frame: Frame, last_ms: int) -> float:
    theta_per_s: float = frame.observation["theta_per_s"]
    return math.exp(-theta_per_s * (frame.t_ms - last_ms) / 1000.0)


def pushes(observation: Json) -> Iterator[tuple[str, float]]:
    """Pushes on the drift up to a cycle in bp/s, by source, the composite's by its parts."""
    for update in observation.get("drift_observations", ()):
        if update["source"] == COMPOSITE:
            yield from _parts(update, observation["composite_parts"])
        else:
            yield update["source"], update["push_bps_per_s"]


def _parts(composite: Json, parts: Sequence[Json]) -> Iterator[tuple[str, float]]:
    gain = composite["gain"]
    before = composite["z_bps_per_s"] - composite["push_bps_per_s"] / gain
    precision = sum(1.0 / part["variance"] for part in parts)
    for part in parts:
        part_gain = gain / part["variance"] / precision
        yield part["source"], part_gain * (part["z_bps_per_s"] - before)
