"""The generator `madgraph`: drives a process directory of MadGraph5_aMC@NLO, or takes its runs."""
