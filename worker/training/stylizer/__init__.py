"""Training of a feed-forward network for one style, after Johnson et al. 2016 (arXiv:1603.08155)."""
