"""Which passwords are good enough, and their argon2id digests.

Source: NIST SP 800-63B (length over composition rules), RFC 9106 (argon2id), OWASP password storage parameters.
"""

from __future__ import annotations

import hashlib
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from engine.core.errors import PasswordPolicyError
from engine.ports.accounts import PASSWORD_MAX_LENGTH, PASSWORD_MIN_LENGTH

_MIN_DISTINCT = 5
# Words that make a long password guessable again when little else is in it.
_COMMON = ("password", "isthmus", "hospital", "qwertyuiop", "1234567890", "administrator", "letmein", "changeme")


def make_hasher() -> PasswordHasher:
    """Three passes over 32 MiB on one lane: about 60 ms, and small beside the engine's memory limit."""
    return PasswordHasher(time_cost=3, memory_cost=32 * 1024, parallelism=1)


def check_policy(name: str, password: str) -> None:
    """Raises PasswordPolicyError with what is missing."""
    if len(password) < PASSWORD_MIN_LENGTH:
        raise PasswordPolicyError(f"the password needs at least {PASSWORD_MIN_LENGTH} characters")
    if len(password) > PASSWORD_MAX_LENGTH:
        raise PasswordPolicyError(f"the password may have at most {PASSWORD_MAX_LENGTH} characters")
    if len(set(password)) < _MIN_DISTINCT:
        raise PasswordPolicyError(f"the password needs at least {_MIN_DISTINCT} different characters")
    if _left_without_common_words(name, password) < PASSWORD_MIN_LENGTH // 2:
        raise PasswordPolicyError("the password is mostly a name or a common word", remedy="add unrelated words")


def _left_without_common_words(name: str, password: str) -> int:
    left = password.lower()
    for word in (name, *_COMMON):
        left = left.replace(word, "")
    return len(left)


def matches(hasher: PasswordHasher, digest: str, password: str) -> bool:
    try:
        return hasher.verify(digest, password)
    except (VerificationError, InvalidHashError):
        return False


def make_token() -> str:
    """256 random bits, safe in a cookie and in a path."""
    return secrets.token_urlsafe(32)


def token_digest(token: str) -> str:
    """A token has full entropy, so a plain hash is enough and can be looked up by index."""
    return hashlib.sha256(token.encode()).hexdigest()
