"""Matrix elements out of MadGraph's process directories, evaluated in processes of their own."""
