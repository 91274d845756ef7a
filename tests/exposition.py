"""Reads the text format of metrics as strictly as Prometheus does, and more: what is odd fails."""

import re
from collections.abc import Mapping

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\"n])*)"(,|$)')
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (\S+)")
_KINDS = {"counter", "gauge", "histogram"}

Key = tuple[str, frozenset[tuple[str, str]]]


class Samples(dict[Key, float]):
    """Values by name and labels."""

    def of(self, name: str, **labels: str) -> float:
        """Add up all samples of a name that have the labels, and maybe others."""
        found = [value for (one, pairs), value in self.items() if one == name and labels.items() <= dict(pairs).items()]
        assert found, f"no sample of {name} {labels}"
        return sum(found)

    def scoring(self, name: str, **labels: str) -> float:
        """Add up what the scoring server counts under a name."""
        return self.of(f"modelyard_scoring_{name}", **labels)


def parse(text: str) -> Samples:
    """Read a whole page; every rule of the format that it breaks is an assertion."""
    assert text.endswith("\n"), "the last line has no end"
    samples, kinds, family = Samples(), {}, ""
    for line in text.split("\n")[:-1]:
        if line.startswith("# HELP "):
            _, _, family, told = line.split(" ", 3)
            assert re.fullmatch(_NAME, family), line
            assert told, line
            assert family not in kinds, f"{family} comes twice"
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert (name == family, kind in _KINDS, name in kinds) == (True, True, False), line
            kinds[name] = kind
        else:
            key, value = _sample(line)
            assert key not in samples, f"{line} comes twice"
            assert _family(key[0], kinds) == family, f"{line} is not below its family"
            samples[key] = value
    _check_histograms(samples, kinds)
    return samples


def _sample(line: str) -> tuple[Key, float]:
    match = _SAMPLE.fullmatch(line)
    assert match, line
    name, inside, value = match.groups()
    labels, at = {}, 0
    while inside and at < len(inside):
        one = _LABEL.match(inside, at)
        assert one, line
        assert one[1] not in labels, line
        labels[one[1]] = re.sub(r"\\(.)", lambda escaped: {"n": "\n"}.get(escaped[1], escaped[1]), one[2])
        at = one.end()
        assert one[3] == "" or at < len(inside), line
    return (name, frozenset(labels.items())), float(value)


def _family(name: str, kinds: Mapping[str, str]) -> str:
    for suffix in ("_bucket", "_sum", "_count"):
        if name.endswith(suffix) and kinds.get(name.removesuffix(suffix)) == "histogram":
            return name.removesuffix(suffix)
    assert kinds.get(name) in {"counter", "gauge"}, f"{name} has no family"
    assert (kinds[name] == "counter") == name.endswith("_total"), f"{name} is named like what it is not"
    return name


def _check_histograms(samples: Samples, kinds: Mapping[str, str]) -> None:
    series: dict[Key, list[tuple[float, float]]] = {}
    for (name, labels), value in samples.items():
        if name.endswith("_bucket") and kinds.get(name.removesuffix("_bucket")) == "histogram":
            others = frozenset((label, text) for label, text in labels if label != "le")
            series.setdefault((name.removesuffix("_bucket"), others), []).append((float(dict(labels)["le"]), value))
    for (name, labels), buckets in series.items():
        counts = [count for _, count in sorted(buckets)]
        assert buckets == sorted(buckets), f"the bounds of {name} are out of order"
        assert counts == sorted(counts), f"the counts of {name} fall"
        assert buckets[-1][0] == float("inf")
        assert samples[f"{name}_count", labels] == counts[-1]
        assert (f"{name}_sum", labels) in samples
