"""`crosshook infer`: a layer over the public function."""

from __future__ import annotations

import json
from pathlib import Path

import click

from crosshook.core.cli.completion import settings_option

FILE = click.Path(path_type=Path)


@click.command()
@click.argument("run_file", type=FILE)
@settings_option("Replace a key of the run file.")
@click.option("--output", type=FILE, help="Directory of the results.")
@click.option("--seed", type=click.IntRange(min=0), help="Seed of every random stream.")
@click.option("--overwrite", is_flag=True, help="Replace an inference that is there already.")
@click.option("--workers", type=click.IntRange(min=1), help="Processes that integrate events.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def infer(
    run_file: Path,
    settings: tuple[str, ...],
    output: Path | None,
    seed: int | None,
    overwrite: bool,
    workers: int | None,
    as_json: bool,
    quiet: bool,
) -> None:
    """Infer parameters from reconstructed events as RUN_FILE says."""
    from crosshook.core.inference.run_file import load_inference_file

    # mistakes show at once, not after torch is there
    config = load_inference_file(
        run_file, settings=settings, output=output, seed=seed, workers=workers
    )
    from crosshook.core import results
    from crosshook.core.cli.infer_tables import show_inference
    from crosshook.core.cli.progress import RichProgress
    from crosshook.core.inference.run import infer_from

    with RichProgress(enabled=not (quiet or as_json)) as progress:
        report = infer_from(config, overwrite=overwrite, progress=progress)
    if as_json:
        click.echo(json.dumps(results.as_json(report), ensure_ascii=False))
    else:
        show_inference(report, config.directory)
