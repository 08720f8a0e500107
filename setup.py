"""The version, out of git's tags; everything else is in pyproject.toml.

At the tag `v1.2.3` it is 1.2.3, five commits later 1.2.4.dev5+g0123abc. A source distribution holds
its own. Without tags, as in a tarball or a shallow clone, it is `NEXT`.
"""

import re
import subprocess
from pathlib import Path

from setuptools import setup

HERE = Path(__file__).resolve().parent
NEXT = "0.1.0"
TAGGED = re.compile(r"v(\d+(?:\.\d+)*)\.(\d+)-(\d+)-(g[0-9a-f]+)")


def tagged(description: str) -> str | None:
    """The version that a line of `git describe --long` says; None if it is none of ours."""
    found = TAGGED.fullmatch(description)
    if found is None:
        return None
    start, last, commits, commit = found.groups()
    if commits == "0":
        return f"{start}.{last}"
    return f"{start}.{int(last) + 1}.dev{commits}+{commit}"


def version() -> str:
    """What this tree is."""
    packed = HERE / "PKG-INFO"
    if packed.exists():
        (line,) = re.findall(r"^Version: (\S+)$", packed.read_text("utf-8"), re.MULTILINE)[:1]
        return str(line)
    if not (HERE / ".git").exists():  # a tarball in somebody else's repository is not of it
        return NEXT
    command = ["git", "-C", str(HERE), "describe", "--tags", "--long", "--match", "v[0-9]*"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return NEXT
    return tagged(done.stdout.strip()) or NEXT


if __name__ == "__main__":
    setup(version=version())
