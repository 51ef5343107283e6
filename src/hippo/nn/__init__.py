"""Neural networks from scratch: NumPy and nothing else.

Read the files in this order, which is also the order in which they import each other:

1. ``module``          what a layer is: parameters, gradients, forward, backward; Sequential
2. ``initializers``    the values weights start from
3. ``layers``          Linear, Dropout, BatchNorm
4. ``activations``     f beside f': Sigmoid, Tanh, ReLU, LeakyReLU, Softmax, LogSoftmax
5. ``losses``          value beside gradient: QuadraticLoss, MSELoss, CrossEntropyLoss
6. ``optimizers``      SGD with momentum, Adam, AdamW; gradient clipping
7. ``schedules``       the learning rate over time
8. ``gradient_check``  the proof that every derivative above is right

Shapes are written ``(batch, features)`` throughout: one example is one row.
"""

from hippo.nn.activations import LeakyReLU, LogSoftmax, ReLU, Sigmoid, Softmax, Tanh, softmax
from hippo.nn.gradient_check import check_gradients, numerical_gradient, relative_error, report
from hippo.nn.initializers import INITIALIZERS, he, normal, xavier, xavier_uniform, zeros
from hippo.nn.layers import BatchNorm, Dropout, Linear
from hippo.nn.losses import CrossEntropyLoss, Loss, MSELoss, QuadraticLoss, smooth_labels
from hippo.nn.module import Array, Module, Sequential
from hippo.nn.optimizers import SGD, Adam, AdamW, Optimizer, clip_gradients, gradient_norm
from hippo.nn.schedules import Schedule, constant, cosine, one_cycle, step_decay, warm_up

__all__ = [
    "INITIALIZERS",
    "SGD",
    "Adam",
    "AdamW",
    "Array",
    "BatchNorm",
    "CrossEntropyLoss",
    "Dropout",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Loss",
    "MSELoss",
    "Module",
    "Optimizer",
    "QuadraticLoss",
    "ReLU",
    "Schedule",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "check_gradients",
    "clip_gradients",
    "constant",
    "cosine",
    "gradient_norm",
    "he",
    "normal",
    "numerical_gradient",
    "one_cycle",
    "relative_error",
    "report",
    "smooth_labels",
    "softmax",
    "step_decay",
    "warm_up",
    "xavier",
    "xavier_uniform",
    "zeros",
]
