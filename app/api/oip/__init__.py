"""Open Inference Protocol v2 over REST, as Triton and KServe speak it: it translates, `app.inference` does the work."""
