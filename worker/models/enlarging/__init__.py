"""Networks that enlarge pictures: Real-ESRGAN's, in strips."""
