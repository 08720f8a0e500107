"""The report of a run: sections of facts, tables and figures, drawn as one HTML file."""
