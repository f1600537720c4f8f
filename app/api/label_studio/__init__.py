"""The protocol between Label Studio and its ML backends."""
