"""Commands on event files: inspect, convert, unweight, reweight. Each is a layer over a public function."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from crosshook.core.cli.completion import component_names, settings_option

if TYPE_CHECKING:
    from collections.abc import Mapping

    from crosshook.core.interfaces.event_format import OnError
    from crosshook.core.merging import Combine

FILE = click.Path(path_type=Path)
as_json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
on_error_option = click.option(
    "--on-error",
    type=click.Choice(["stop", "skip"]),
    default="stop",
    show_default=True,
    help="At an event that cannot be read: stop, or leave it out and list it.",
)
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace an existing output.")


def _print_json(report: Mapping[str, object]) -> None:
    import json

    click.echo(json.dumps(report, indent=2, allow_nan=False))


def _assignments(texts: tuple[str, ...], flag: str) -> dict[str, object]:
    """`KEY=VALUE` words with values read as YAML; `KEY.INNER=VALUE` sets a key of a mapping."""
    import yaml

    values: dict[str, object] = {}
    for text in texts:
        key, equals, value = text.partition("=")
        *above, last = key.split(".")
        if not equals or not all((*above, last)):
            message = f"{text!r} is not KEY=VALUE"
            raise click.BadParameter(message, param_hint=flag)
        try:
            read = yaml.safe_load(value)
        except yaml.YAMLError as error:
            message = f"{text!r}: the value is no YAML: {' '.join(str(error).split())}"
            raise click.BadParameter(message, param_hint=flag) from error
        inner = values
        for word in above:
            found = inner.setdefault(word, {})
            if not isinstance(found, dict):
                message = f"{text!r}: {word} has a value already"
                raise click.BadParameter(message, param_hint=flag)
            inner = found
        inner[last] = read
    return values


@click.command()
@click.argument("file", type=FILE)
@on_error_option
@as_json_option
def inspect(file: Path, on_error: str, as_json: bool) -> None:
    """What an event file holds: generator, beams, cross section, weights, first event.

    FILE may be - for standard input.
    """
    from crosshook.core.inspect import inspect_file

    report = inspect_file(file, on_error=cast("OnError", on_error))
    if as_json:
        _print_json(report.as_json())
        return
    from crosshook.core.cli.file_tables import show_inspection

    show_inspection(report)


@click.command()
@click.argument("inputs", type=FILE, nargs=-1, required=True, metavar="IN...")
@click.argument("output", type=FILE, metavar="OUT")
@click.option(
    "--combine",
    type=click.Choice(["average", "sum"]),
    default="average",
    show_default=True,
    help="Several inputs are samples of one process, or of processes to add.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Option of the output format, e.g. container=ttree for ROOT.",
)
@click.option(
    "--where", metavar="CONDITION", help="Only events like this, e.g. 'pt[0] > 30 and n == 2'."
)
@click.option(
    "--events", metavar="FROM:TO", help="Only these events, counted from 0, TO excluded."
)
@click.option("--split", type=click.IntRange(min=1), metavar="N", help="Files of N events each.")
@on_error_option
@overwrite_option
@as_json_option
def convert(
    inputs: tuple[Path, ...],
    output: Path,
    combine: str,
    options: tuple[str, ...],
    where: str | None,
    events: str | None,
    split: int | None,
    on_error: str,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Convert event files; several inputs are merged with the right cross section.

    The extension of OUT chooses the format. The cross section of a selection (--where) is the
    fiducial one; a range (--events) and the parts of a split have that of the whole.
    """
    from crosshook.core.convert import convert as convert_files

    report = convert_files(
        inputs,
        output,
        combine=cast("Combine", combine),
        overwrite=overwrite,
        options=_assignments(options, "--option"),
        where=where,
        events=events,
        split=split,
        on_error=cast("OnError", on_error),
    )
    if as_json:
        _print_json(report.as_json())
        return
    from crosshook.core.cli.file_tables import show_conversion

    show_conversion(report)


@click.command()
@click.argument("source", type=FILE, metavar="IN")
@click.argument("destination", type=FILE, metavar="OUT")
@click.option("--seed", type=click.IntRange(min=0), required=True, help="Of the random numbers.")
@click.option(
    "--use",
    shell_complete=component_names("unweighter"),
    help="Unweighter; rejection, or two-stage with a surrogate. See `plugins list`.",
)
@click.option("--rule", help="How the maximum weight is chosen, e.g. excess-share.")
@click.option("--share", type=float, help="Share of the cross section in overweights.")
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Further option of the unweighter.",
)
@click.option(
    "--surrogate",
    type=FILE,
    metavar="MODEL",
    help="The amplitude surrogate that the weights of IN were computed with.",
)
@click.option(
    "--process",
    metavar="NAME",
    shell_complete=component_names("process"),
    help="With --surrogate: knows the exact |M|².",
)
@click.option(
    "--process-option",
    "process_options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Option of the process, e.g. gluons=4.",
)
@click.option(
    "--pilot",
    type=click.IntRange(min=1),
    metavar="N",
    help="With --surrogate: events the maxima are chosen from.  [default: 20000]",
)
@on_error_option
@settings_option("A key of the executor.")
@click.option("--workers", type=int, help="With --surrogate: processes that compute |M|².")
@overwrite_option
@as_json_option
def unweight(
    source: Path,
    destination: Path,
    seed: int,
    use: str | None,
    rule: str | None,
    share: float | None,
    options: tuple[str, ...],
    surrogate: Path | None,
    process: str | None,
    process_options: tuple[str, ...],
    pilot: int | None,
    on_error: str,
    settings: tuple[str, ...],
    workers: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Turn weighted events into events of equal weight; overweights keep their excess.

    With --surrogate and --process the weights are those of the exact |M|², which is computed for
    the events that the surrogate's weights leave.
    """
    from crosshook.core.cli.file_tables import show_surrogate_unweighting, show_unweighting

    chosen = _assignments(options, "--option")
    chosen |= {k: v for k, v in (("rule", rule), ("share", share)) if v is not None}
    policy = cast("OnError", on_error)
    if surrogate is None or process is None:
        given = {
            "--surrogate": surrogate,
            "--process": process,
            "--process-option": process_options or None,
            "--pilot": pilot,
            "--set": settings or None,
            "--workers": workers,
        }
        alone = [flag for flag, value in given.items() if value is not None]
        if alone:
            message = "goes with --surrogate and --process, which belong together"
            raise click.BadParameter(message, param_hint=alone[0])
        from crosshook.core.unweight import unweight_file

        unweighter = {"use": use or "rejection", "options": chosen}
        report = unweight_file(
            source, destination, seed, unweighter, overwrite=overwrite, on_error=policy
        )
        if as_json:
            _print_json(report.as_json())
        else:
            show_unweighting(report)
        return
    from crosshook.core.unweight_surrogate import PILOT, unweight_with_surrogate

    found = unweight_with_surrogate(
        source,
        destination,
        seed,
        surrogate,
        {"use": process, "options": _assignments(process_options, "--process-option")},
        {"use": use or "two-stage", "options": chosen},
        pilot=pilot or PILOT,
        overwrite=overwrite,
        on_error=policy,
        settings=settings,
        workers=workers,
    )
    if as_json:
        _print_json(found.as_json())
    else:
        show_surrogate_unweighting(found)


@click.command()
@click.argument("source", type=FILE, metavar="IN")
@click.argument("destination", type=FILE, metavar="OUT")
@click.option("--nominal", metavar="ID", help="The weight that becomes the nominal one.")
@click.option(
    "--original",
    default="original",
    show_default=True,
    metavar="ID",
    help="Where the old nominal weight is kept.",
)
@click.option(
    "--use",
    metavar="NAME",
    shell_complete=component_names("event_reweighter"),
    help="Reweighter that adds weights; see `plugins list`.",
)
@click.option(
    "--option",
    "options",
    multiple=True,
    metavar="KEY=VALUE",
    help="Option of the reweighter, e.g. weights.k='1 + pt[0]/1000'.",
)
@on_error_option
@settings_option("A key of the executor.")
@click.option("--workers", type=int, help="Processes that compute what the reweighter gives.")
@overwrite_option
@as_json_option
def reweight(
    source: Path,
    destination: Path,
    nominal: str | None,
    original: str,
    use: str | None,
    options: tuple[str, ...],
    on_error: str,
    settings: tuple[str, ...],
    workers: int | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Give events further weights, or make another of their weights the nominal one.

    The cross section of OUT is that of its nominal weight.
    """
    from crosshook.core.reweight import reweight_file

    chosen = _assignments(options, "--option")
    if chosen and use is None:
        message = "options belong to a reweighter; choose one with --use"
        raise click.BadParameter(message, param_hint="--option")
    report = reweight_file(
        source,
        destination,
        nominal=nominal,
        original=original,
        reweighter=None if use is None else {"use": use, "options": chosen},
        overwrite=overwrite,
        on_error=cast("OnError", on_error),
        settings=settings,
        workers=workers,
    )
    if as_json:
        _print_json(report.as_json())
        return
    from crosshook.core.cli.file_tables import show_reweighting

    show_reweighting(report)
