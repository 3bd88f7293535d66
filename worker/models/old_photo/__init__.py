"""A photo as an old photo: the CycleGAN generator of the vintagify wheel."""
