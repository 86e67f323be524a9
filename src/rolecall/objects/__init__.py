"""Object bytes: interface and engines."""
