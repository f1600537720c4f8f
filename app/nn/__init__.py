"""The network: U-Net Xception, its losses and metrics, its rewriting for inference, its architecture as data."""
