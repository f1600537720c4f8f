"""Training: labelled pictures in, an evaluated and published network out; pure Keras 3, any backend."""
