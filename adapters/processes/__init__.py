"""Leading-order processes in closed form, in torch: the reference every other source is held to.

Factories named by the records in `crosshook.adapters`.
"""

from crosshook.adapters.processes.drell_yan import make_drell_yan
from crosshook.adapters.processes.ee_ttbar import make_ee_ttbar
from crosshook.adapters.processes.electron_muon import make_ee_mumu
from crosshook.adapters.processes.n_gluon import make_n_gluon
from crosshook.adapters.processes.single_top_higgs import make_th_cp
from crosshook.adapters.processes.top_decay import make_top_decay
from crosshook.adapters.processes.top_pair import make_pp_ttbar

__all__ = [
    "make_drell_yan",
    "make_ee_mumu",
    "make_ee_ttbar",
    "make_n_gluon",
    "make_pp_ttbar",
    "make_th_cp",
    "make_top_decay",
]
