"""Without the extra, the component says what to install, after the run file has been checked."""

from __future__ import annotations

import sys

import pytest

from crosshook.core.errors import ConfigurationError
from crosshook.core.registry import default_registry
from crosshook.core.surrogates.models import surrogate_context


def test_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    slot = {"use": "onnx", "options": {"file": "model.onnx"}}
    with pytest.raises(
        ConfigurationError, match=r"not installed \(onnx\): pip install 'crosshook\[onnx\]'"
    ):
        default_registry().build("amplitude_surrogate", slot, surrogate_context(4))
