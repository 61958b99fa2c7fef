"""Differential fuzz: cases that nobody thought of, seeded, as markets make them and as they don't.

``cases`` makes them, endless and reproducible; ``volume`` runs them by the hundred thousand beside
the reference; ``stateful`` lets Hypothesis search step by step, and shrink what it finds.
"""
