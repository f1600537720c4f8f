"""How good a network is, on labelled pictures."""
