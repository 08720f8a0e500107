"""Unfolded distributions as HEPData submissions: YAML tables with errors by origin and covariances.

The layout is that of https://hepdata-submission.readthedocs.io: submission.yaml with a document for
each table, and a file for each table's values.
"""

from __future__ import annotations

import math
import re
import shutil
import tempfile
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from crosshook.core.errors import OutputError
from crosshook.core.unfolding.weighted_events import WeightedEvents, open_unfolding

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from crosshook.core.unfolding.result import UnfoldedHistogram

SUBMISSION = "submission.yaml"
SOURCES = (
    ("data_errors", "stat. (data)"),
    ("simulation_errors", "stat. (simulation)"),
    ("network_errors", "network"),
    ("systematic_errors", "syst."),
)
"""Errors of a histogram, and what HEPData calls them."""


@dataclass(frozen=True)
class Exported:
    """A written submission.

    Attributes:
        path: of its folder.
        tables: names of its tables.
    """

    path: str
    tables: tuple[str, ...]


def export_hepdata(
    unfolding: Path | WeightedEvents,
    output: Path,
    histograms: Sequence[UnfoldedHistogram] = (),
    *,
    overwrite: bool = False,
) -> Exported:
    """Writes a submission.

    Args:
        unfolding: directory of a finished unfolding, or what `open_unfolding` read there.
        output: its folder.
        histograms: what goes in; those of the recommended binnings if none.
        overwrite: replace a submission that is there already.

    Raises:
        InputError: if there is no unfolding.
        OutputError: if the folder is taken or cannot be written.
    """
    _check_free(output, overwrite)
    events = open_unfolding(unfolding) if isinstance(unfolding, Path) else unfolding
    chosen = tuple(histograms) or recommended(events)
    documents: list[dict[str, object]] = [_heading(events.metadata)]
    files: dict[str, object] = {}
    for number, found in enumerate(chosen):
        name = re.sub(r"\W+", "_", found.name).strip("_")
        if f"{name}.yaml" in files:  # names that differ in other signs only
            name = f"{name}_{number + 1}"
        _add(documents, files, found.name, f"{name}.yaml", _values(found), _about(found))
        if found.covariance:
            title = f"Covariance of {found.name}"
            text = f"Covariance of all errors of {found.name}"
            _add(documents, files, title, f"{name}_covariance.yaml", _matrix(found), text)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as part:
            made = Path(part) / "submission"
            made.mkdir()
            for file, content in files.items():
                (made / file).write_text(_yaml(content), "utf-8")
            text = "".join(f"---\n{_yaml(document)}" for document in documents)
            (made / SUBMISSION).write_text(text, "utf-8")
            if output.exists():
                shutil.rmtree(output)
            made.replace(output)
    except OSError as error:
        message = f"{output}: cannot be written: {error.strerror}"
        raise OutputError(message) from error
    return Exported(str(output), tuple(str(d["name"]) for d in documents[1:]))


def recommended(events: WeightedEvents) -> tuple[UnfoldedHistogram, ...]:
    """The histograms of an unfolding's own report."""
    from crosshook.core.report.reading import read_record
    from crosshook.core.unfolding.result import UnfoldReport

    document = events.directory.read_report()
    return read_record(document, UnfoldReport, str(events.directory.report)).histograms


def _check_free(output: Path, overwrite: bool) -> None:
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    if not (output / SUBMISSION).is_file():
        message = f"{output}: exists and is no submission; choose another place"
        raise OutputError(message)
    if not overwrite:
        message = f"{output}: holds a submission already; use --overwrite or another place"
        raise OutputError(message)


def _heading(metadata: Mapping[str, object]) -> dict[str, object]:
    words = [
        str(metadata.get(key, "")).rstrip(".")
        for key in ("title", "description", "truth_selection", "normalisation")
    ]
    luminosity = metadata.get("luminosity")
    if luminosity:
        words.append(f"Integrated luminosity {luminosity}")
    return {"comment": ". ".join(word[0].upper() + word[1:] for word in words if word) + "."}


def _add(
    documents: list[dict[str, object]],
    files: dict[str, object],
    title: str,
    file: str,
    content: object,
    about: str,
) -> None:
    documents.append(
        {
            "name": title,
            "location": "",
            "description": about,
            "keywords": [{"name": "observables", "values": ["N"]}],
            "data_file": file,
        }
    )
    files[file] = content


def _about(found: UnfoldedHistogram) -> str:
    return (
        f"Events unfolded to truth in bins of {found.observable}; sums of weights, not divided by "
        f"the widths of bins. {found.below:.6g} events are below the axis, {found.above:.6g} above."
    )


def _header(name: str, unit: str) -> dict[str, str]:
    return {"name": name, "units": unit} if unit else {"name": name}


def _bins(found: UnfoldedHistogram) -> list[dict[str, float]]:
    return [{"low": low, "high": high} for low, high in pairwise(found.edges)]


def _values(found: UnfoldedHistogram) -> dict[str, object]:
    """The table of a histogram."""
    entries = []
    for i, value in enumerate(found.values):
        errors = [
            {"symerror": float(getattr(found, source)[i]), "label": label}
            for source, label in SOURCES
            if math.isfinite(getattr(found, source)[i])
        ]
        entries.append({"value": value, **({"errors": errors} if errors else {})})
    dependent = [{"header": {"name": "N", "units": "events"}, "values": entries}]
    if found.prior:
        prior = [{"value": value} for value in found.prior]
        header = {"name": "N simulated, scaled", "units": "events"}
        dependent.append({"header": header, "values": prior})
    return {
        "independent_variables": [
            {"header": _header(found.label, found.unit), "values": _bins(found)}
        ],
        "dependent_variables": dependent,
    }


def _matrix(found: UnfoldedHistogram) -> dict[str, object]:
    """The table of a covariance, one row a pair of bins."""
    bins = _bins(found)
    n = len(bins)
    first = [bins[i] for i in range(n) for _ in range(n)]
    second = [bins[j] for _ in range(n) for j in range(n)]
    values = [{"value": value} for row in found.covariance for value in row]
    header = _header(found.label, found.unit)
    return {
        "independent_variables": [
            {"header": header, "values": first},
            {"header": header, "values": second},
        ],
        "dependent_variables": [
            {"header": {"name": "covariance", "units": "events^2"}, "values": values}
        ],
    }


def _yaml(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=None)
