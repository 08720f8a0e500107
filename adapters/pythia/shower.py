"""Showers a file of events with Pythia 8 and writes HepMC3: what `crosshook shower` does."""

from __future__ import annotations

import math
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from crosshook.adapters.pythia.hepmc_event import MILLIBARN, hepmc_event, run_information
from crosshook.adapters.pythia.settings import load_library, start_pythia
from crosshook.core.convert import convert
from crosshook.core.errors import InputError, OutputError, ProgramError
from crosshook.core.events.files import format_of_name, open_events
from crosshook.core.events.staging import StagedFile

if TYPE_CHECKING:
    from collections.abc import Iterable

    from crosshook.core.progress import Progress

ENDINGS: Final = (".hepmc", ".hepmc3", ".hepmc.gz", ".hepmc3.gz")
COLOURED: Final = (1, 2, 3, 4, 5, 6, 21)
LOOKED_AT: Final = 1000
"""Events that are asked for colours before Pythia is."""
SHOWN: Final = 100
"""Events between two reports of progress."""
MOST_FAILURES: Final = 0.1
"""Share of failing events from which on something is wrong with the file."""


@dataclass(frozen=True)
class ShowerReport:
    """What came of a file in the shower.

    Attributes:
        input: the file of events.
        output: the HepMC file.
        program: Pythia with its version.
        seed: of Pythia.
        settings: given by the user.
        events_in: read from the input.
        events_out: written.
        failures: read, but given up by Pythia.
        cross_section_pb: as Pythia finds it, after failures and vetoes.
        cross_section_error_pb: its standard error: of the events' weights.
        mean_final_particles: stable particles of an event.
    """

    input: str
    output: str
    program: str
    seed: int
    settings: tuple[str, ...]
    events_in: int
    events_out: int
    failures: int
    cross_section_pb: float
    cross_section_error_pb: float
    mean_final_particles: float

    def as_json(self) -> dict[str, object]:
        """The report as values JSON can hold."""
        return asdict(self)


def shower(
    source: Path,
    destination: Path,
    seed: int,
    events: int | None = None,
    settings: Iterable[str] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ShowerReport:
    """Showers and hadronises events with Pythia 8.

    Args:
        source: file of events with colour flows, in any format crosshook reads.
        destination: a HepMC3 file, plain or gzip.
        seed: of Pythia, 1 to 900,000,000.
        events: at most so many; all if None.
        settings: of Pythia, `Name:key = value`.
        overwrite: whether to replace an existing file.
        progress: told how far it is.

    Raises:
        ConfigurationError: if pythia8mc or pyhepmc is missing, or a setting is not allowed.
        InputError: if the events cannot be read or have no colours.
        OutputError: if the output exists or cannot be written.
        ProgramError: if Pythia does not start, or gives up too many events.
    """
    if not destination.name.endswith(ENDINGS):
        message = f"{destination}: showered events are written as {', '.join(ENDINGS)}"
        raise OutputError(message)
    given = tuple(settings)
    total = _check_events(source)
    wanted = total if events is None else min(events, total)
    library, hepmc = load_library()
    staged = StagedFile(destination, overwrite)
    with staged.opening(), tempfile.TemporaryDirectory(prefix="crosshook-") as folder:
        pythia = start_pythia(library, _as_lhe(source, Path(folder)), seed, given)
        version = f"{pythia.settings.parm('Pythia:versionNumber'):.3f}"
        # pyhepmc compresses by the end of the name
        draft = staged.beside("draft.hepmc3" + (".gz" if destination.suffix == ".gz" else ""))
        tally = _write(hepmc, pythia, draft, version, wanted, progress)
        draft.replace(staged.path)
        staged.commit()
    info = pythia.infoPython()
    return ShowerReport(
        input=str(source),
        output=str(destination),
        program=f"Pythia {version}",
        seed=seed,
        settings=given,
        events_in=tally.read,
        events_out=tally.written,
        failures=tally.failed,
        cross_section_pb=info.sigmaGen() * MILLIBARN,
        cross_section_error_pb=info.sigmaErr() * MILLIBARN,
        mean_final_particles=tally.particles / tally.written if tally.written else math.nan,
    )


@dataclass
class _Tally:
    read: int = 0
    written: int = 0
    failed: int = 0
    particles: int = 0


def _write(
    hepmc: Any, pythia: Any, path: Path, version: str, wanted: int, progress: Progress | None
) -> _Tally:
    """Event by event out of Pythia into the file."""
    tally = _Tally()
    run_info = run_information(hepmc, version)
    with hepmc.open(str(path), "w") as file:
        while tally.read < wanted:
            if pythia.next():
                file.write(hepmc_event(hepmc, pythia, run_info, tally.written))
                tally.written += 1
                tally.particles += pythia.event.nFinal()
            elif pythia.infoPython().atEndOfFile():
                break
            else:
                tally.failed += 1
            tally.read += 1
            if tally.failed > max(MOST_FAILURES * wanted, 10):
                message = f"Pythia gave up {tally.failed} of {tally.read} events; its own messages say why"
                raise ProgramError(message)
            if progress is not None and tally.read % SHOWN == 0:
                progress.update("shower", tally.read, wanted, failures=tally.failed)
    if progress is not None:
        progress.update("shower", max(tally.read, 1), max(tally.read, 1), failures=tally.failed)
    return tally


def _check_events(source: Path) -> int:
    """Number of events; colours are looked for in the first ones.

    Raises:
        InputError: if there are no events, or coloured particles without colours.
    """
    total = 0
    with open_events(source) as stream:
        for batch in stream:
            if total == 0:
                first = batch[:LOOKED_AT]
                columns = {n: np.asarray(c) for n, c in first.particle_columns.items()}
                coloured = np.isin(np.abs(columns["pdg_id"]), COLOURED)
                bare = coloured & (columns["colour1"] == 0) & (columns["colour2"] == 0)
                if bare.any():
                    message = (
                        f"{source}: {np.count_nonzero(bare)} of the first "
                        f"{np.count_nonzero(coloured)} quarks and gluons have no colours, and a shower "
                        "needs them; Sherpa's files have none"
                    )
                    raise InputError(message)
            total += len(batch)
    if not total:
        message = f"{source}: holds no events"
        raise InputError(message)
    return total


def _as_lhe(source: Path, folder: Path) -> Path:
    """The events as Pythia reads them: the file itself, or a copy in its format."""
    if format_of_name(source) == "lhe" and not source.name.endswith(".zst"):
        return source.absolute()
    path = folder / "events.lhe"
    convert([source], path)
    return path
