"""Hippo: neural networks in plain NumPy, trained on MNIST by a server you can watch.

The packages build on each other in this order; none imports one to its right::

    nn  <-  training  <-  network  <-  persistence  <-  jobs  <-  api  <-  servers

``datasets`` stands beside ``training``; ``nn`` is the place to begin to read.
"""

__version__ = "0.1.0"
