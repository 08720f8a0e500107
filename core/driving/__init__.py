"""Runs of programs that generate events themselves: run files with `generator:`."""
