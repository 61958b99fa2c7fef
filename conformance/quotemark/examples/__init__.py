"""Engines to learn the protocol from: ``minimal_engine`` conforms, ``wrong_engine`` does not."""
