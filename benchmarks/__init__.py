"""Measurements: each module is one command that writes its table into RESULTS.md."""
