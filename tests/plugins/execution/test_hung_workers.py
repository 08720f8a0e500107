"""Hung workers are told from those that have begun, or go on."""

from __future__ import annotations

from crosshook.plugins.execution.hung_workers import HungWorkers


def test_a_bundle_counts_from_when_a_worker_was_seen_at_it() -> None:
    hung = HungWorkers(10.0)
    sent = ["0", "1", "2", "3"]
    assert not hung.found({"a": ["setting", "0", "2"], "c": ["another's"]}, sent, now=100.0)
    assert not hung.found({"a": ["2", "0"], "b": ["1", "3"], "c": ["another's"]}, sent, now=105.0)
    # b has come late, and c has nothing of ours.
    assert hung.found({"a": ["0", "2"], "b": ["1", "3"], "c": ["another's"]}, sent, 110.0) == ["a"]
    # a goes on with its second bundle; b stays at its first one.
    assert hung.found({"a": ["2"], "b": ["3", "1"]}, sent[1:], now=115.0) == ["b"]
    # Moved to another worker, a bundle begins again.
    assert not hung.found({"b": ["2"]}, ["2"], now=126.0)
