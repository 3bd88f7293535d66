"""Rewrites convolution kernels into others that give the same numbers for less work on a CPU.

A matrix product runs at full speed only where the kernel has many output channels. The first and last
layers of a stylization network have 8 and 3, and spend most of its time.
"""

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

# Which taps of a 3-tap kernel fall on the pixel before and the pixel after a corner, when the picture was
# enlarged twice, for the enlarged pixel on either side of the corner: [side][pixel][tap].
_TAPS_AT_CORNER = np.array([[[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]], np.float64)


def grid_kernel(kernel: Array, rows: int, columns: int) -> Array:
    """Rewrite a stride-1 kernel to work on cells of rows x columns pixels, each cell's pixels as channels.

    Output pixel p of a cell (counting along one axis, n pixels a cell) reads the padded input pixels
    p + d, d = 0..k-1. Pixel p + d is pixel (p + d) % n of cell (p + d) // n, so tap d goes there; all other
    entries are 0. A (k, k, i, o) kernel becomes ((k - 1 + rows) / rows, (k - 1 + columns) / columns,
    rows * columns * i, rows * columns * o); rows and columns must divide k - 1. At 9 x 9 and 2 x 4 this is
    1.48 times the multiplications, and more than twice the speed.
    """
    height, width, given, made = kernel.shape
    assert (height - 1) % rows == (width - 1) % columns == 0, "cells must divide the padding"
    shape = ((height - 1) // rows + 1, (width - 1) // columns + 1, rows, columns, given, rows, columns, made)
    cells = np.zeros(shape, kernel.dtype)
    for y, x, p, q in np.ndindex(height, width, rows, columns):
        u, v = divmod(p + y, rows), divmod(q + x, columns)
        cells[u[0], v[0], u[1], v[1], :, p, q, :] = kernel[y, x]
    return cells.reshape(*shape[:2], rows * columns * given, rows * columns * made)


def corner_kernel(kernel: Array) -> Array:
    """Rewrite "enlarge twice by nearest, then convolve 3 x 3" to one 2 x 2 kernel on the small picture.

    Around the corner between small pixels a-1 and a (along one axis) lie the enlarged pixels 2a-1 and 2a.
    Pixel 2a-1 reads 2a-2, 2a-1, 2a, which are copies of a-1, a-1, a; pixel 2a reads copies of a-1, a, a. So
    both need only the two small pixels, with taps added up: (w0 + w1, w2) and (w0, w1 + w2). A (3, 3, i, o)
    kernel becomes (2, 2, i, 4 o), its outputs the pixels around the corner row by row: 4/9 of the
    multiplications, and the enlarged picture is never made.

    On a small picture padded by one copied edge pixel (which is what reflecting the enlarged picture comes
    to, for its outer two pixels are equal), n small pixels have n + 1 corners, so the result has a ring of
    one pixel around the 2n wanted ones. At the first corner both small pixels are equal, and then so are
    both outputs: the ring is a copy of the picture's edge, just what the next such layer wants for padding.
    """
    taps = _TAPS_AT_CORNER
    corners = np.einsum("pay,qbx,yxio->abipqo", taps, taps, kernel.astype(np.float64))
    given, made = kernel.shape[2:]
    return np.ascontiguousarray(corners.reshape(2, 2, given, 4 * made), kernel.dtype)
