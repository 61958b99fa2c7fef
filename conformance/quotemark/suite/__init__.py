"""The conformance suite: what is demanded of an engine, and the checks that demand it.

``requirements.toml`` is the register: every statement with its id and source. The modules named
after a phase or an incident hold the checks; ``runner`` runs them and judges the requirements.
"""
