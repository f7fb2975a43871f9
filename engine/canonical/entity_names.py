"""Names of legal entities made comparable, and digests to look them up by."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

# Legal forms and words that tell nobody apart, one blank between each.
_FORMS = frozenset(
    re.findall(
        "[a-z]+",
        "inc incorporated corp corporation co company llc llp lp ltd limited plc pc pllc gmbh ag kg sa sarl srl bv nv"
        " ab as oy the usa us",
    )
)
_WORDS = re.compile(r"[^a-z0-9]+")
_DIGEST = 8  # bytes
_REMEMBERED = 16_384  # names: those of a large network, for each is compared again and again


@lru_cache(maxsize=_REMEMBERED)
def normal_name(name: str) -> str:
    """Lower case without accents, punctuation and legal form: `The Acme-Medical Co., Inc.` is `acme medical`."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    plain = "".join(one for one in plain if not unicodedata.combining(one)).replace("&", " and ").replace("'", "")
    words = [word for word in _WORDS.split(plain) if word]
    return " ".join([word for word in words if word not in _FORMS] or words)


def blind(text: str) -> str:
    """To look something up by, without showing it."""
    return hashlib.blake2b(text.encode(), digest_size=_DIGEST).hexdigest()


def digest_of_names(names: Iterable[str]) -> str:
    """Of what a list of sanctions was asked for: the same names in another order or spelling are the same question."""
    return blind("\n".join(sorted({normal_name(one) for one in names})))
