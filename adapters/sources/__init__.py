"""Sources of amplitudes on disk: `crosshook process show` and `crosshook process add`."""
