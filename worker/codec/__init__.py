"""Bytes to pixels and back: every image enters and leaves the worker here, as uint8 arrays in sRGB."""
