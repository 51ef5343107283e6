"""A picture of a digit, as a person draws or photographs it, made an image as MNIST has them.

::

    bytes -> header checked -> decoded, reduced -> grey, upright -> ink on paper -> cropped to the ink
          -> fitted into 20x20, its ratio kept -> centred by mass in 28x28

The way is that of MNIST's makers (LeCun, Cortes and Burges, "The MNIST database of handwritten digits"). Files of
unknown origin are looked at with distrust: the size is read from the header before anything is decoded, and of a PNG
the decoder gets only the parts that make the picture. What a network makes of it is decided elsewhere; where the work
is done is the caller's business (`takes_long`).

Read ``headers``, ``decoding``, ``preparing``.
"""

from hippo.pictures.headers import MAX_PICTURE_BYTES, MAX_PICTURE_PIXELS
from hippo.pictures.preparing import Prepared, prepare, takes_long

__all__ = ["MAX_PICTURE_BYTES", "MAX_PICTURE_PIXELS", "Prepared", "prepare", "takes_long"]
