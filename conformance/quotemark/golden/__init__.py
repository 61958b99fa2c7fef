"""Golden vectors: cases with the reference's answers, as files to be read without Python.

``cases`` chooses them: hand-picked ones (``pieces``, ``sessions``), bad input (``refusals``), and
seeded ones. ``folder`` is their form, ``building`` makes them and guards those that ship with the
package in ``vectors/``, ``verifying`` holds an engine against them.
"""
