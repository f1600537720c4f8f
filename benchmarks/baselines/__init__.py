"""The same weights behind other servers, each as its users would write it in an afternoon; no code of `app`.

They run in an environment of their own (`requirements/bench.txt`). Arguments of each: path of `model.keras`, port,
number of worker processes. `POST /segment` takes a picture and answers a mask as PNG.
"""
