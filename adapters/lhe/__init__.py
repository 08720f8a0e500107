"""Les Houches event files: reading, writing, nothing lost in between."""
