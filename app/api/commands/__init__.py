"""Commands of the service beside `segserve serve`."""
