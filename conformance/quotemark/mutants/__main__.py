"""Serve the mutant named by the first argument over stdio."""

import os
import sys

from quotemark.mutants import MUTANTS, patched
from quotemark.server import serve

if __name__ == "__main__":
    with patched(MUTANTS[sys.argv[1]]) as mutant:
        serve(mutant, sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
