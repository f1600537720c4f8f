"""segserve: trains, explains and serves the U-Net Xception segmentation network."""

__version__ = "0.1.0"
