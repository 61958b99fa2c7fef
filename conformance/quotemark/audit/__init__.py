"""The audit of the plan: what its phases do to the incidents, tried on the reference.

All 36 closed sets of gates are replayed on all incidents, in both calibrations. A phase is judged
by every set that it can be added to: with it and without it, on the same tape. Where it makes
something worse, the smallest case that shows it is cut out of the incident.
"""
