"""A saved surrogate judged on tables it has not been trained on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

import torch

from crosshook.core.errors import InputError
from crosshook.core.execute import one_thread
from crosshook.core.model import read_document
from crosshook.core.surrogates.directory import model_folder
from crosshook.core.surrogates.evaluation import evaluate_surrogate
from crosshook.core.surrogates.models import load_surrogate
from crosshook.core.surrogates.parquet_table import read_tables
from crosshook.core.surrogates.run_file import TableFiles

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from crosshook.core.surrogates.evaluation import Evaluation
    from crosshook.core.surrogates.training_set import AmplitudeTable


def evaluate_tables(
    model: Path,
    tables: Sequence[Path],
    *,
    amplitude: str = "me2",
    weight: str | None = None,
    alpha_s: str | float | None = None,
) -> Evaluation:
    """Judges a saved surrogate.

    Args:
        model: directory of a surrogate, or of its model.
        tables: Parquet files; see `points.table` of schemas/v1/surrogate.json.
        amplitude: column of |M|².
        weight: column of what makes |M|² the weight of a point.
        alpha_s: column or value of the strong coupling; the files' metadata if None.

    Raises:
        CrosshookError: if model or tables cannot be read or do not belong together.
    """
    folder = model_folder(model)
    surrogate = load_surrogate(folder)
    files = TableFiles(tuple(tables), amplitude, weight, alpha_s)
    table = _renumbered(read_tables(files, 1.0), folder)
    with one_thread():
        return evaluate_surrogate(surrogate, table)


def _renumbered(table: AmplitudeTable, folder: Path) -> AmplitudeTable:
    """The table with subprocesses numbered as the model numbers them, if it says how."""
    state = cast("dict[str, object]", read_document(folder)["state"])
    known = state.get("pdg")
    if not isinstance(known, list):
        return table
    pdg = tuple(tuple(legs) for legs in known)
    numbers = []
    for legs in table.pdg:
        if legs not in pdg:
            message = f"{folder}: trained for {list(map(list, pdg))}, not for {list(legs)}"
            raise InputError(message)
        numbers.append(pdg.index(legs))
    order = {legs: k for legs, k in zip(table.pdg, table.qcd_order, strict=True)}
    return replace(
        table,
        process=torch.tensor(numbers)[table.process],
        pdg=pdg,
        qcd_order=tuple(order.get(legs, 0) for legs in pdg),
    )
