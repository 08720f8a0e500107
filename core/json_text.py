"""JSON that may come from strangers: whatever is wrong with it is one kind of error."""

from __future__ import annotations

import json
from typing import Any


def parse_json(text: str) -> Any:
    """The data in a text.

    Raises:
        json.JSONDecodeError: if it is not JSON, or nested so deeply that no file of crosshook's is.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        message = "nested too deeply"
        raise json.JSONDecodeError(message, text, 0) from error
