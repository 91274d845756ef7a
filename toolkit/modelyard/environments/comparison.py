"""How two locks differ."""

from __future__ import annotations

from msgspec import Struct

from modelyard.environments.lock import Lock, LockedPackage


class VersionChange(Struct, frozen=True, kw_only=True):
    """A package that both locks have, at another version or, where `rebuilt`, with other files of the same version."""

    name: str
    before: str
    after: str
    rebuilt: bool = False


class LockDifference(Struct, frozen=True, kw_only=True):
    """What has to change in the first environment to make it the second; falsy if nothing."""

    added: tuple[LockedPackage, ...] = ()
    removed: tuple[LockedPackage, ...] = ()
    changed: tuple[VersionChange, ...] = ()
    python: tuple[str, str] | None = None
    platform: tuple[str, str] | None = None

    def __bool__(self) -> bool:
        """Say whether anything differs."""
        return any((self.added, self.removed, self.changed, self.python, self.platform))

    def __str__(self) -> str:
        """Write one line for each difference; an empty text for none."""
        lines = [f"{what} {pair[0]} -> {pair[1]}" for what, pair in self._pairs()]
        lines += [f"+ {package.name}=={package.version}" for package in self.added]
        lines += [f"- {package.name}=={package.version}" for package in self.removed]
        for change in self.changed:
            after = f"{change.after} (other files)" if change.rebuilt else change.after
            lines.append(f"~ {change.name} {change.before} -> {after}")
        return "\n".join(lines)

    def _pairs(self) -> list[tuple[str, tuple[str, str]]]:
        return [(what, p) for what, p in (("python", self.python), ("platform", self.platform)) if p is not None]


def diff(before: Lock, after: Lock) -> LockDifference:
    """Compare two locks; files of one version are compared only where both locks know their hashes."""
    old, new = ({package.name: package for package in lock.packages} for lock in (before, after))
    return LockDifference(
        added=tuple(new[name] for name in sorted(new.keys() - old.keys())),
        removed=tuple(old[name] for name in sorted(old.keys() - new.keys())),
        changed=tuple(
            change for name in sorted(old.keys() & new.keys()) if (change := _change(old[name], new[name])) is not None
        ),
        python=_pair(before.python, after.python),
        platform=_pair(before.platform, after.platform),
    )


def _change(old: LockedPackage, new: LockedPackage) -> VersionChange | None:
    rebuilt = old.version == new.version and _other_files(old, new)
    if old.version == new.version and not rebuilt:
        return None
    return VersionChange(name=old.name, before=old.version, after=new.version, rebuilt=rebuilt)


def _other_files(old: LockedPackage, new: LockedPackage) -> bool:
    return bool(old.hashes and new.hashes) and not set(old.hashes) & set(new.hashes)


def _pair(before: str, after: str) -> tuple[str, str] | None:
    return None if before == after else (before, after)
