"""Feeds damaged event files to the readers for as long as one likes (`make stress`); no test by itself.

    python tests/fuzz/event_files.py [--minutes 30] [--engine hypothesis|atheris] [--findings DIR]

Real excerpts are cut, mixed and filled with junk. Whatever comes out, the compiled and the careful
reader must give the same events, the same list of skipped ones and the same error; no other exception
than an error with the file's name may leave them; and no input of this length may take long. An input
that breaks a rule is left in DIR. atheris, where it is installed, looks for inputs by coverage.
"""

from __future__ import annotations

import argparse
import gzip
import itertools
import sys
import tempfile
import time
from pathlib import Path
from types import FunctionType
from typing import TYPE_CHECKING

import numpy as np
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st

from crosshook.adapters.lhe.reader import LheStream
from crosshook.core.errors import CrosshookError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crosshook.core.interfaces.event_format import SkippedEvent

EXCERPTS = sorted((Path(__file__).parents[1] / "data" / "lhe").glob("*.lhe*"))
SECONDS = 10.0
"""CPU time one input may take."""
SEED = 20261122
WORDS = [
    *(b"<event>", b"</event>", b"<event ", b"<init>", b"</init>", b"<header>", b"</header>"),
    *(b"<rwgt>", b"</rwgt>", b"<wgt id='1'>", b"</wgt>", b"<weights>", b"</weights>", b"<!--"),
    *(b"<initrwgt>", b"</initrwgt>", b"<weight id='a'>", b"</weight>", b"<LesHouchesEvents"),
    *(b"</LesHouchesEvents>", b"trials='3'", b"mur2='", b"#", b"\n", b"\r\n", b" ", b"'", b'"'),
    *(b"1D+02", b"1.+102", b"1e400", b"nan", b"-", b"0", b"99999999999999999999", b"&lt;", b"\0"),
]


def outcome(path: Path, compiled: bool, skip: bool) -> tuple[object, ...]:
    """All that reading a file gives, comparable."""
    skipped: list[SkippedEvent] | None = [] if skip else None
    found: list[object] = []
    message = ""
    try:
        with LheStream(path, 3, skipped, compiled) as stream:
            for batch in stream:
                columns = [batch.counts, *batch.event.values(), *batch.particle_columns.values()]
                found += [np.ascontiguousarray(column).tobytes() for column in columns]
                found += [batch.weights.tobytes(), batch.info.weight_ids]
                found.append({key: list(texts) for key, texts in batch.raw.items()})
                if batch.present is not None:
                    found.append(batch.present.tobytes())
            found.append(repr(stream.info))  # NaN in it is no difference
    except CrosshookError as error:
        message = str(error)
        assert str(path) in message, message
    return found, message, skipped


def _difference(mine: tuple[object, ...], theirs: tuple[object, ...]) -> str:
    """The first pair of parts that differ, in brief."""
    for one, other in zip(mine, theirs, strict=True):
        if one != other:
            sides = [one, other]
            if isinstance(one, list) and isinstance(other, list):
                pairs = itertools.zip_longest(one, other)
                sides = list(next(pair for pair in pairs if pair[0] != pair[1]))
            return " | ".join(repr(side)[:300] for side in sides)
    return ""


def check(data: bytes, path: Path) -> None:
    """Reads the data in every way.

    Raises:
        AssertionError: if a rule is broken.
    """
    path.write_bytes(data)
    for skip in (False, True):
        start = time.process_time()
        mine, theirs = (outcome(path, compiled, skip) for compiled in (True, False))
        assert mine == theirs, f"readers differ (skip={skip}): {_difference(mine, theirs)}"
        spent = time.process_time() - start
        assert spent < SECONDS, f"{spent:.1f} s for {len(data)} bytes"


def text_of(path: Path) -> bytes:
    """An excerpt, decompressed."""
    data = path.read_bytes()
    return gzip.decompress(data) if path.suffix == ".gz" else data


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A damaged excerpt, now and then compressed, and damaged once more."""
    text = text_of(draw(st.sampled_from(EXCERPTS)))
    # Long headers hide the events from the mutations.
    start = max(text.find(b"<init") - draw(st.integers(0, 2000)), 0)
    if draw(st.booleans()):
        text = b"<LesHouchesEvents>\n" + text[start:]
    text = _damaged(draw, text)
    if draw(st.integers(0, 3)) == 0:
        text = gzip.compress(text, draw(st.sampled_from([0, 6])), mtime=0)
        if draw(st.booleans()):
            text = _damaged(draw, text)
    return text


def _damaged(draw: st.DrawFn, text: bytes) -> bytes:
    for _ in range(draw(st.integers(0, 6))):
        at = draw(st.integers(0, len(text)))
        word = draw(st.one_of(st.sampled_from(WORDS), st.binary(max_size=8)))
        many = draw(st.sampled_from([1, 1, 1, 2, 100]))
        text = text[:at] + many * word + text[at + draw(st.sampled_from([0, 0, 1, 5, 50, 2000])) :]
    return text


def with_hypothesis(until: float, findings: Path, path: Path) -> int:
    """Tries inputs until the time is over; their number."""
    tried = 0

    @settings(
        max_examples=500,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
    )
    @given(files())
    def attempt(data: bytes) -> None:
        nonlocal tried
        tried += 1
        try:
            check(data, path)
        except BaseException:
            (findings / "finding.lhe").write_bytes(data)  # the last one is the smallest
            raise

    for number in itertools.count(SEED):
        if time.monotonic() > until:
            return tried
        seed(number)(attempt)()
    return tried


def with_atheris(minutes: float, findings: Path, path: Path) -> None:
    """Lets libFuzzer look for inputs; it ends the process."""
    import atheris

    corpus = findings / "corpus"
    corpus.mkdir(exist_ok=True)
    for excerpt in EXCERPTS:
        text = text_of(excerpt)
        start = max(text.find(b"<init"), 0)
        (corpus / excerpt.stem).write_bytes(b"<LesHouchesEvents>\n" + text[start : start + 6000])
    words = findings / "words"
    escaped = ("".join(f"\\x{byte:02x}" for byte in word) for word in WORDS)
    words.write_text("".join(f'"{word}"\n' for word in escaped))
    options = [
        f"-max_total_time={int(60 * minutes)}",
        f"-dict={words}",
        f"-artifact_prefix={findings}/",
        f"-timeout={int(4 * SECONDS)}",
        "-max_len=20000",
        "-rss_limit_mb=4096",
        f"-seed={SEED}",
    ]
    for function in _functions("crosshook.adapters.lhe"):
        atheris.instrument_func(function)
    atheris.Setup([sys.argv[0], *options, str(corpus)], lambda data: check(data, path))
    atheris.Fuzz()


def _functions(package: str) -> Iterator[FunctionType]:
    """Functions and methods of a package's modules that were imported so far."""
    for name, module in list(sys.modules.items()):
        if name.startswith(package):
            for thing in list(vars(module).values()):
                members = vars(thing).values() if isinstance(thing, type) else [thing]
                yield from (
                    member
                    for member in members
                    if isinstance(member, FunctionType) and member.__module__ == name
                )


def main() -> None:
    """Runs one engine for some time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--engine", choices=("hypothesis", "atheris"), default="hypothesis")
    parser.add_argument("--findings", type=Path, default=Path("runs/fuzz"), metavar="DIR")
    options = parser.parse_args()
    options.findings.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "events.lhe"
        path.write_bytes(text_of(EXCERPTS[0]))
        outcome(path, compiled=True, skip=False)  # compiles, which is not to count as slow
        if options.engine == "atheris":
            with_atheris(options.minutes, options.findings, path)
            return
        tried = with_hypothesis(time.monotonic() + 60 * options.minutes, options.findings, path)
    print(f"{tried} damaged files read, no finding")


if __name__ == "__main__":
    main()
