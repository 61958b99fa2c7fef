"""Quotemark: the harness that certifies quote engines against the reference."""

__version__ = "0.2.0"
