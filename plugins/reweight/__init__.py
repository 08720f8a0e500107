"""Event reweighters: factors by formula, or by a matrix element at other parameters."""
