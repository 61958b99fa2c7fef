"""Detached signatures of certificates: ed25519 over the file's bytes, in base64.

Keys are PEM files: ``openssl genpkey -algorithm ed25519`` makes one, ``openssl pkey -pubout`` the
public half of it.
"""

from __future__ import annotations

import base64
import binascii
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from quotemark.errors import InputError

SUFFIX = ".sig"


def signature_of(path: Path) -> Path:
    """Where the signature of a file is."""
    return path.with_name(path.name + SUFFIX)


def read_private_key(path: Path) -> Ed25519PrivateKey:
    """Read a key to sign with; raises :class:`InputError` where it is none, or is encrypted."""
    try:
        key = load_pem_private_key(_read(path), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(f"{path}: expected an unencrypted ed25519 private key in PEM")
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """Read a key to verify with; raises :class:`InputError` where it is none."""
    try:
        key = load_pem_public_key(_read(path))
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise InputError(f"{path}: expected an ed25519 public key in PEM")
    return key


def sign(text: str, key: Ed25519PrivateKey) -> str:
    """Return the signature of a text, as the file of it holds."""
    return base64.b64encode(key.sign(text.encode())).decode() + "\n"


def is_signed(path: Path, key: Ed25519PublicKey) -> bool:
    """Whether the signature beside a file is that of ``key`` over the file's bytes."""
    written = _read(signature_of(path))
    try:
        signature = base64.b64decode(written)
        key.verify(signature, _read(path))
    except (binascii.Error, InvalidSignature):
        return False
    return written == base64.b64encode(signature) + b"\n"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
