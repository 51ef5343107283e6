"""What every layer has in common: parameters, their gradients, a forward and a backward pass.

A module is a function y = f(x; parameters) that also knows how to pass a gradient back: ``backward`` takes dL/dy,
leaves dL/dparameters in ``gradients`` and returns dL/dx. This is the chain rule, one factor per module; there is no
graph, the order of a Sequential is the graph. Losses, optimizers and the training loop stand elsewhere.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

#: A real matrix or vector, float32 for training and float64 in gradient checks.
Array = NDArray[Any]


class ArrayKeeper:
    """Where modules and losses take the memory of their results from.

    By default every result is a new array. With ``keeps_arrays`` it lives in memory that the next call with the same
    shape overwrites: the training loop switches this on, because memory that is still in the processor's cache is what
    makes small layers fast.
    """

    _kept: dict[tuple[str, tuple[int, ...]], Array] | None = None

    @property
    def keeps_arrays(self) -> bool:
        """Whether a result is overwritten by the next call."""
        return self._kept is not None

    @keeps_arrays.setter
    def keeps_arrays(self, keep: bool) -> None:
        self._kept = {} if keep else None

    def _array(self, name: str, shape: tuple[int, ...], dtype: Any) -> Array:
        """Return an uninitialised array: a new one, or the kept one of this name and shape."""
        if self._kept is None:
            return np.empty(shape, dtype)
        array = self._kept.get((name, shape))
        if array is None:
            array = self._kept[name, shape] = np.empty(shape, dtype)
        return array


class Module(ArrayKeeper):
    """A differentiable function with parameters.

    Attributes
    ----------
    parameters : dict of str to ndarray
        What is learned. The arrays are changed in place and never replaced, so that references to them stay valid.
    gradients : dict of str to ndarray
        dL/dparameter under the same name and of the same shape, as the last ``backward`` left it.
    buffers : dict of str to ndarray
        What belongs to the trained function without being learned by gradient: batch normalisation's running
        statistics. Changed in place, too.
    training : bool
        True in train mode, False in eval mode; few modules behave differently (Dropout, BatchNorm).
    wants_input_gradient : bool
        False: nobody reads dL/dx (true of the first layer of a network in training), so ``backward`` may leave it
        uncomputed and return an array of undefined content.
    """

    def __init__(self) -> None:
        self.parameters: dict[str, Array] = {}
        self.gradients: dict[str, Array] = {}
        self.buffers: dict[str, Array] = {}
        self.training = True
        self.wants_input_gradient = True

    def forward(self, *args: Any, **kwargs: Any) -> Array:
        """Return y = f(x) for `x` of shape (batch, in_features); y has shape (batch, out_features)."""
        raise NotImplementedError

    def __call__(self, *args: Any, **kwargs: Any) -> Array:
        """Do the same as ``forward``."""
        return self.forward(*args, **kwargs)

    def backward(self, gradient: Array) -> Array:
        """Take dL/dy of the last ``forward``, set ``gradients`` and return dL/dx; shapes as those of y and x."""
        raise NotImplementedError

    def train(self, mode: bool = True) -> Self:
        """Switch this and every module in it to train mode, or to eval mode with False, and return this module."""
        for module in self.within():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Switch this and every module in it to eval mode and return this module."""
        return self.train(False)

    @contextmanager
    def mode(self, training: bool) -> Iterator[None]:
        """Be in train mode (True) or eval mode (False) within a ``with`` block, and each module as before after it."""
        before = [(module, module.training) for module in self.within()]
        self.train(training)
        try:
            yield
        finally:
            for module, mode in before:
                module.training = mode

    def within(self) -> Iterator["Module"]:
        """Yield this module and every module in it."""
        yield self


class Sequential(Module):
    """Modules applied one after the other: y = f_n(... f_2(f_1(x))).

    Parameters
    ----------
    modules : iterable of Module
        In the order of the forward pass. The parameter ``weights`` of the third one is ``parameters["2.weights"]``
        here.

    Raises
    ------
    ValueError
        When there is no module, or one module stands in it twice: a module remembers only its last ``forward``, so that
        the gradient of the first would be wrong.
    """

    def __init__(self, modules: Iterable[Module]) -> None:
        self.modules = list(modules)
        if not self.modules:
            raise ValueError("A Sequential needs at least one module.")
        all_within = [id(one) for module in self.modules for one in module.within()]
        if len(set(all_within)) < len(all_within):
            raise ValueError("A module can stand in a Sequential only once: make another one of the same kind.")
        super().__init__()
        for position, module in enumerate(self.modules):
            for own, theirs in (
                (self.parameters, module.parameters),
                (self.gradients, module.gradients),
                (self.buffers, module.buffers),
            ):
                own.update({f"{position}.{name}": array for name, array in theirs.items()})

    def forward(self, x: Array) -> Array:
        """Return the last module's output, shape (batch, out_features), for `x` of shape (batch, in_features)."""
        for module in self.modules:
            x = module.forward(x)
        return x

    def backward(self, gradient: Array) -> Array:
        """Pass dL/dy back through every module, last first, and return dL/dx.

        dL/dx = dL/dy · f_n' · ... · f_1': the chain rule (Nielsen, Neural Networks and Deep Learning, chapter 2, BP2).
        """
        for module in reversed(self.modules):
            gradient = module.backward(gradient)
        return gradient

    def within(self) -> Iterator[Module]:
        """Yield this module and every module in it."""
        yield self
        for module in self.modules:
            yield from module.within()

    @property
    def keeps_arrays(self) -> bool:
        """Whether the modules' results are overwritten by the next call."""
        return all(module.keeps_arrays for module in self.modules)

    @keeps_arrays.setter
    def keeps_arrays(self, keep: bool) -> None:
        for module in self.modules:
            module.keeps_arrays = keep
