"""Commands that read and change the model store."""
