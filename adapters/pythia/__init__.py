"""`crosshook shower`: Pythia 8 takes events further, to HepMC files."""
