"""Recordings of engines that nobody can drive: read, held against the reference, followed, made.

``RECORDINGS.md`` is the page for who logs; ``lines`` has the format, ``companion`` the comparison,
``certifying`` what a recording proves.
"""
