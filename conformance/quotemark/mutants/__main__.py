"""Serve the mutant named by the first argument over stdio."""

import os
import sys

from quotemark.mutants import make_mutant
from quotemark.server import serve

if __name__ == "__main__":
    serve(make_mutant(sys.argv[1]), sys.stdin.buffer, os.fdopen(os.dup(1), "wb"))
