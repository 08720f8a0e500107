"""Processes, parton densities, generators, event formats and commands, listed here as records.

Each folder below is about one program, library or file format; `processes` has amplitudes of our own,
`sources` knows which folder can read what lies on disk. A folder may import another whose program it
uses too: processes take maps of `madspace`.
"""

if not __name__.startswith("crosshook."):
    _message = (
        f"this folder is the package crosshook.adapters and was imported as {__name__!r}; "
        "install crosshook and import it by that name"
    )
    raise ImportError(_message)

from collections.abc import Iterable

from crosshook.core.component import Capabilities, Command, Component, hookimpl

ANYWHERE = ("cpu", "cuda")
TORCH = Capabilities(devices=ANYWHERE, differentiable=True)


@hookimpl
def crosshook_process() -> Iterable[Component[object]]:
    """Processes with amplitudes of our own in torch, and of other sources."""
    return [
        Component(
            "pp-ttbar",
            "crosshook.adapters.processes:make_pp_ttbar",
            "pp → tt̄ at leading order, gg and qq̄",
            schema="crosshook.schemas:v1/components/pp-ttbar.json",
            capabilities=TORCH,
        ),
        Component(
            "drell-yan",
            "crosshook.adapters.processes:make_drell_yan",
            "pp → γ*/Z → ℓ-ℓ+ at leading order, full interference",
            schema="crosshook.schemas:v1/components/drell-yan.json",
            capabilities=TORCH,
        ),
        Component(
            "ee-mumu",
            "crosshook.adapters.processes:make_ee_mumu",
            "e+e- → γ*/Z → µ+µ- at leading order",
            schema="crosshook.schemas:v1/components/ee-mumu.json",
            capabilities=TORCH,
        ),
        Component(
            "ee-ttbar",
            "crosshook.adapters.processes:make_ee_ttbar",
            "e+e- → tt̄ → b ℓ+ν b̄ ℓ-ν̄ at leading order, spin correlations, off-shell tops and Ws",
            schema="crosshook.schemas:v1/components/ee-ttbar.json",
            capabilities=TORCH,
        ),
        Component(
            "top-decay",
            "crosshook.adapters.processes:make_top_decay",
            "t → b W → b ℓ+ν at leading order, a width in GeV",
            schema="crosshook.schemas:v1/components/top-decay.json",
            capabilities=TORCH,
        ),
        Component(
            "th-cp",
            "crosshook.adapters.processes:make_th_cp",
            "pp → t h j and t̄ h j by W exchange at leading order, CP phase in the top Yukawa coupling",
            schema="crosshook.schemas:v1/components/th-cp.json",
            capabilities=TORCH,
        ),
        Component(
            "n-gluon",
            "crosshook.adapters.processes:make_n_gluon",
            "gg → 2, 3 or 4 gluons at leading order, full colour",
            schema="crosshook.schemas:v1/components/n-gluon.json",
            capabilities=TORCH,
        ),
        Component(
            "umami",
            "crosshook.adapters.umami.process:make_umami",
            "any process from UMAMI libraries of generators, with phase space from its diagrams",
            schema="crosshook.schemas:v1/components/umami.json",
            capabilities=Capabilities(devices=ANYWHERE),
        ),
        Component(
            "madgraph",
            "crosshook.adapters.madgraph.process:make_madgraph",
            "any process out of a directory that MadGraph wrote, with phase space from its diagrams",
            schema="crosshook.schemas:v1/components/madgraph.json",
        ),
        Component(
            "pyamplicol",
            "crosshook.adapters.amplicol.process:make_pyamplicol",
            "any process in words, with amplitudes that `process new` generated with pyAmpliCol",
            schema="crosshook.schemas:v1/components/pyamplicol.json",
        ),
        Component(
            "python",
            "crosshook.adapters.python.cube:make_python",
            "any function of the unit cube, with momenta where there are to be events",
            schema="crosshook.schemas:v1/components/python.json",
            capabilities=TORCH,
        ),
        Component(
            "python-amplitude",
            "crosshook.adapters.python.amplitude:make_python_amplitude",
            "|M|² by functions of momenta, with phase space from masses and diagrams",
            schema="crosshook.schemas:v1/components/python-amplitude.json",
            capabilities=TORCH,
        ),
    ]


@hookimpl
def crosshook_transfer_function() -> Iterable[Component[object]]:
    """Transfer functions of the user's own."""
    return [
        Component(
            "python",
            "crosshook.adapters.python.transfer:make_transfer",
            "a class of your own",
            schema="crosshook.schemas:v1/components/python-transfer.json",
            capabilities=TORCH,
        ),
    ]


@hookimpl
def crosshook_parton_density() -> Iterable[Component[object]]:
    """Sources of parton densities."""
    return [
        Component(
            "lhapdf",
            "crosshook.adapters.lhapdf:make_parton_density",
            "LHAPDF6 grids by name or path, interpolated in torch",
            schema="crosshook.schemas:v1/components/lhapdf.json",
            capabilities=TORCH,
        ),
    ]


@hookimpl
def crosshook_generator() -> Iterable[Component[object]]:
    """Programs that make events themselves."""
    return [
        Component(
            "sherpa",
            "crosshook.adapters.sherpa.generator:make",
            "Sherpa 3 with a card: its weighted events while they are written",
            schema="crosshook.schemas:v1/components/sherpa.json",
        ),
        Component(
            "madgraph",
            "crosshook.adapters.madevent.generator:make",
            "a process directory of MadGraph5_aMC@NLO: launched, or its existing runs",
            schema="crosshook.schemas:v1/components/madgraph-runs.json",
        ),
    ]


@hookimpl
def crosshook_event_format() -> Iterable[Component[object]]:
    """Readers and writers of event files."""
    return [
        Component(
            "lhe",
            "crosshook.adapters.lhe.event_format:make",
            "Les Houches event files, plain, gzip or zstd",
            schema="crosshook.schemas:v1/components/lhe.json",
            capabilities=Capabilities(sequential=True, composes=True),
        ),
        Component(
            "root",
            "crosshook.adapters.root.event_format:make",
            "ROOT files with NanoAOD-like names, RNTuple or TTree",
            schema="crosshook.schemas:v1/components/root.json",
        ),
        Component(
            "lheh5",
            "crosshook.adapters.lheh5.event_format:make",
            "Les Houches events in HDF5 tables, of Sherpa and Pepper (extra crosshook[lheh5])",
            schema="crosshook.schemas:v1/components/lheh5.json",
        ),
        Component(
            "hepmc",
            "crosshook.adapters.hepmc.event_format:make",
            "HepMC2 and HepMC3 files of showered events, read only (extra crosshook[hepmc])",
            capabilities=Capabilities(read_only=True),
        ),
        Component(
            "parquet",
            "crosshook.adapters.parquet.event_format:make",
            "Parquet files with NanoAOD-like names (extra crosshook[parquet])",
            schema="crosshook.schemas:v1/components/parquet.json",
        ),
    ]


@hookimpl
def crosshook_command() -> Iterable[Command]:
    """Commands that need other programs, or what they have left on disk."""
    return [
        Command(
            ("shower",),
            "crosshook.adapters.pythia.commands:shower",
            "showered events with Pythia 8, as HepMC3",
        ),
        Command(
            ("process", "show"),
            "crosshook.adapters.sources.commands:show",
            "what a source of amplitudes can do",
        ),
        Command(
            ("process", "add"),
            "crosshook.adapters.sources.commands:add",
            "the part of a run file that uses a source of amplitudes",
        ),
        Command(
            ("process", "new"),
            "crosshook.adapters.amplicol.commands:new",
            "amplitudes of a process, generated with pyAmpliCol",
        ),
    ]
