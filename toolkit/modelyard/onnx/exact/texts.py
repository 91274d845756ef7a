"""Texts as counts of words."""

from __future__ import annotations

from typing import Any

import numpy as np

from modelyard.onnx.exact.scaling import by_norm
from modelyard.onnx.exact.translation import Piece, Table, Translation, UntranslatableError, Wire

PADDING = "\ufdd1"  # what no text holds
_WORD = r"[\p{L}\p{N}_]"  # what Python's \w means in Unicode
_PATTERNS = {
    r"(?u)\b\w\w+\b": _WORD + "{2,}",
    r"\b\w\w+\b": _WORD + "{2,}",
    r"(?u)\b\w+\b": _WORD + "+",
    r"\b\w+\b": _WORD + "+",
    r"\w+": _WORD + "+",
}


def counted(t: Translation, e: Any, table: Table) -> tuple[Wire, int]:
    """Count the words, or sequences of words, that are in the vocabulary."""
    _check(e)
    (piece,) = table.pieces
    texts = t.flat(piece.wire)
    if e.lowercase:
        texts = t.op("StringNormalizer", texts, case_change_action="LOWER", is_case_sensitive=1, locale="C.UTF-8")
    pattern = _PATTERNS[e.token_pattern]
    tokens = t.op(
        "Tokenizer",
        t.column(texts),
        domain="com.microsoft",
        mark=0,
        mincharnum=1,
        pad_value=PADDING,
        tokenexp=pattern,
    )
    tokens = t.op("Squeeze", tokens, t.integers(1))
    padded = t.op("Concat", tokens, _padding(t, texts), axis=1)  # a batch without any word has no column
    counts = t.cast(_grams(t, e.vocabulary_, padded), np.float64)
    return (t.op("Sign", counts) if e.binary else counts), len(e.vocabulary_)


def weighted(t: Translation, e: Any, table: Table) -> tuple[Wire, int]:
    """Weigh counts by how rare the words are, and bring rows to one length."""
    x = t.numbers(table)
    if e.sublinear_tf:
        there = t.op("Greater", x, t.constant(0.0))
        x = t.op("Where", there, t.op("Add", t.op("Log", t.op("Max", x, t.constant(1.0))), t.constant(1.0)), x)
    if e.use_idf:
        x = t.op("Mul", x, t.constant(e.idf_))
    return (by_norm(t, x, e.norm) if e.norm else x), table.width


def counted_and_weighted(t: Translation, e: Any, table: Table) -> tuple[Wire, int]:
    """Both in one."""
    wire, width = counted(t, e, table)
    return weighted(t, e._tfidf, Table(pieces=(Piece(wire=wire, width=width),)))  # noqa: SLF001


def _check(e: Any) -> None:
    """Refuse the settings that are not translated."""
    wrong = (
        (e.analyzer != "word", f"the analyzer {e.analyzer!r}"),
        (e.preprocessor is not None or e.tokenizer is not None, "a preprocessor or tokenizer of the user's"),
        (e.strip_accents is not None, "stripping accents"),
        (e.token_pattern not in _PATTERNS, f"the token pattern {e.token_pattern!r}"),
        (e.stop_words is not None and e.ngram_range[1] > 1, "stop words with sequences of words"),
    )
    for is_so, what in wrong:
        if is_so:
            raise UntranslatableError(what)


def _padding(t: Translation, texts: Wire) -> Wire:
    shape = t.op("Concat", t.op("Shape", texts), t.integers(1), axis=0)
    return t.op("Expand", t.constant([[PADDING]], object), shape)


def _grams(t: Translation, vocabulary: dict[str, int], tokens: Wire) -> Wire:
    """Count sequences of tokens."""
    by_length: dict[int, list[str]] = {}
    for gram in sorted(vocabulary, key=vocabulary.__getitem__):
        by_length.setdefault(len(gram.split(" ")), []).append(gram)
    longest = max(by_length)
    pool: list[str] = []
    starts: list[int] = []
    numbers: list[int] = []
    for length in range(1, longest + 1):
        starts.append(len(pool))
        for gram in by_length.get(length, []):
            pool.extend(gram.split(" "))
            numbers.append(int(vocabulary[gram]))
    return t.op(
        "TfIdfVectorizer",
        tokens,
        mode="TF",
        min_gram_length=min(by_length),
        max_gram_length=longest,
        max_skip_count=0,
        ngram_counts=starts,
        ngram_indexes=numbers,
        pool_strings=pool,
    )


TRANSFORM = {"CountVectorizer": counted, "TfidfTransformer": weighted, "TfidfVectorizer": counted_and_weighted}
