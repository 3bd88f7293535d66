"""HEIC and AVIF files: their boxes, their pictures, and a copy that holds nothing but the picture."""
