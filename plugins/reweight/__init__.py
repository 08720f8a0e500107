"""Event reweighters: by formula, by a matrix element at other parameters, or by cells of events."""
