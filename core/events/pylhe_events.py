"""Events as pylhe's objects, for programs that work with these; slow, as objects are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crosshook.core.events.layout import OPTIONAL_EVENT_COLUMNS, PARTICLE_COLUMNS

if TYPE_CHECKING:
    import pylhe

    from crosshook.core.events.batch import EventBatch
    from crosshook.core.events.run_info import RunInfo


def pylhe_events(batch: EventBatch) -> list[pylhe.LHEEvent]:
    """One `pylhe.LHEEvent` an event; comment lines are kept in `optional`."""
    import pylhe

    columns = [batch.particle_columns[name].tolist() for name in PARTICLE_COLUMNS]
    rows = list(zip(*columns, strict=True))
    event = {name: column.tolist() for name, column in batch.event.items()}
    offsets, ids = batch.offsets.tolist(), batch.info.weight_ids
    weights = batch.weights.tolist()
    present = None if batch.present is None else batch.present.tolist()
    extra = batch.raw.get("extra")
    made = []
    for i, n in enumerate(batch.counts.tolist()):
        has = [True] * len(ids) if present is None else present[i]
        lines = b"" if extra is None else extra[i]
        made.append(
            pylhe.LHEEvent(
                eventinfo=pylhe.LHEEventInfo(
                    nparticles=n,
                    pid=event["process_id"][i],
                    weight=event["weight"][i],
                    scale=event["scale"][i],
                    aqed=event["alpha_qed"][i],
                    aqcd=event["alpha_qcd"][i],
                ),
                # PARTICLE_COLUMNS are the columns of the text, in pylhe's order, too
                particles=[pylhe.LHEParticle(*row) for row in rows[offsets[i] : offsets[i + 1]]],
                weights={w: x for w, x, there in zip(ids, weights[i], has, strict=True) if there},
                attributes={
                    name: f"{event[name][i]:.17g}"
                    for name in OPTIONAL_EVENT_COLUMNS
                    if name in event
                },
                optional=[
                    line.decode("utf-8", "surrogateescape")
                    for line in lines.splitlines()
                    if line.lstrip().startswith(b"#")
                ],
            )
        )
    return made


def pylhe_init(info: RunInfo) -> pylhe.LHEInit:
    """The run as `pylhe.LHEInit`."""
    import pylhe

    return pylhe.LHEInit(
        initInfo=pylhe.LHEInitInfo(
            *info.beams,
            *info.energies,
            *info.pdf_groups,
            *info.pdf_sets,
            info.weighting,
            len(info.processes),
        ),
        procInfo=[
            pylhe.LHEProcInfo(p.cross_section, p.error, p.maximum, p.process_id)
            for p in info.processes
        ],
        generators=[pylhe.LHEGenerator(*generator) for generator in info.generators],
    )
