"""Bytes to pixels, geometry and its exact inverse, masks and what is drawn from them; Pillow and numpy only."""
