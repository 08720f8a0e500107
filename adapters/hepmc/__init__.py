"""HepMC files of showered events, read through pyhepmc, an extra."""
