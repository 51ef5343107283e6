"""Neural networks from scratch: NumPy and nothing else.

Read the files in this order, which is also the order in which they import each other:

1. ``module``          what a layer is: parameters, gradients, forward, backward; Sequential
2. ``initializers``    the values weights start from
3. ``layers``          Linear
4. ``activations``     f beside f': Sigmoid, Tanh, ReLU, Softmax's function
5. ``losses``          value beside gradient: QuadraticLoss, CrossEntropyLoss
6. ``optimizers``      SGD
7. ``gradient_check``  the proof that every derivative above is right

Shapes are written ``(batch, features)`` throughout: one example is one row.
"""

from hippo.nn.activations import ReLU, Sigmoid, Tanh, softmax
from hippo.nn.gradient_check import check_gradients, numerical_gradient, relative_error
from hippo.nn.initializers import INITIALIZERS, he, normal, xavier, zeros
from hippo.nn.layers import Linear
from hippo.nn.losses import CrossEntropyLoss, Loss, QuadraticLoss
from hippo.nn.module import Array, Module, Sequential
from hippo.nn.optimizers import SGD

__all__ = [
    "INITIALIZERS",
    "SGD",
    "Array",
    "CrossEntropyLoss",
    "Linear",
    "Loss",
    "Module",
    "QuadraticLoss",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Tanh",
    "check_gradients",
    "he",
    "normal",
    "numerical_gradient",
    "relative_error",
    "softmax",
    "xavier",
    "zeros",
]
