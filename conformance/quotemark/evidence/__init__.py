"""Evidence of a run, and what reads it: event log, certificate, gate and summaries."""
