"""The stages of a run: train, integrate, generate. Each takes up its results if they are there.

A stage writes its results down as its last act (`crosshook.core.stage_records`); until then a
resumed run computes it again, the training from its latest checkpoint and the generation with the
blocks that are whole.
"""
