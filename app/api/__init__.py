"""HTTP: routes translate between requests and the segmenter; no logic of segmentation here."""
