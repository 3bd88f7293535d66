"""Neural style transfer by optimization (Gatys et al., 2016)."""
