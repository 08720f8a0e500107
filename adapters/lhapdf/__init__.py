"""LHAPDF6 grids, read and interpolated in torch.

`LhapdfGrid.load("ToyLH_LO")` gives the shipped set; others are found through LHAPDF_DATA_PATH.
"""

from crosshook.adapters.lhapdf.component import make_parton_density
from crosshook.adapters.lhapdf.grid import LhapdfGrid
from crosshook.adapters.lhapdf.set_search import available_sets, find_set, search_folders

__all__ = ["LhapdfGrid", "available_sets", "find_set", "make_parton_density", "search_folders"]
