"""Amplitude surrogates: training sets, calibration, evaluation, model cards."""
