"""Measurements: `make bench`. Ratios within one run; absolute times belong to the machine that is printed."""
