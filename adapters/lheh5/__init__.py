"""LHEH5: Les Houches events in HDF5 tables (1905.05120, 2309.13154), through h5py, an extra."""
