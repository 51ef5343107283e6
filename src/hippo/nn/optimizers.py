"""Optimizers: how parameters follow their gradients. SGD with momentum, Adam, AdamW, and gradient clipping.

Letters are those of the papers: p parameter, g gradient, v velocity; m and v first and second moment in Adam. The
learning rate is a plain attribute, so that a schedule (``schedules``) or a person can change it between steps.
"""

import math

import numpy as np

from hippo.nn.module import Array, Module

#: Numbers that are moved at once: their changes are still in the processor's cache when they are subtracted, and large
#: networks need no scratch memory of their own size.
PIECE = 1 << 16


class Optimizer:
    """Changes the parameters of `model` in place with every ``step``, following its ``gradients``.

    Attributes
    ----------
    lr : float
        Learning rate. May be changed between steps.
    steps : int
        Steps taken so far.
    state : dict of str to ndarray
        What it remembers of earlier steps, such as ``"v.0.weights"``, shaped like the parameter of that name. With
        `steps` and the parameters, it is all that is needed to go on elsewhere.

    Raises
    ------
    ValueError
        When a number is out of range.
    """

    #: What is remembered for every parameter, by the letter in the paper.
    remembers: tuple[str, ...] = ()

    def __init__(self, model: Module, lr: float, weight_decay: float = 0.0) -> None:
        _check("The learning rate", lr, 0 < lr < math.inf, "a finite number above 0")
        _check("weight_decay", weight_decay, 0 <= weight_decay < math.inf, "a finite number from 0")
        self.model, self.lr, self.weight_decay = model, lr, weight_decay
        self.steps = 0
        self.state: dict[str, Array] = {}
        self._dtype = max({parameter.dtype for parameter in model.parameters.values()} or {np.dtype(np.float32)})
        self._scratch = np.empty((2, PIECE), self._dtype)
        self._begin_to_remember()

    def step(self) -> None:
        """Take one step downhill."""
        raise NotImplementedError

    def restore(self, steps: int, state: dict[str, Array]) -> None:
        """Go on where another optimizer of the same kind and model was.

        Raises
        ------
        ValueError
            When `state` has not the names and shapes of this one's.
        """
        if {name: array.shape for name, array in state.items()} != {n: a.shape for n, a in self.state.items()}:
            raise ValueError(f"This state does not belong to {type(self).__name__} on this model.")
        self.steps = steps
        for name, array in state.items():
            np.copyto(self.state[name], array)

    def _begin_to_remember(self) -> None:
        """Begin with no memory of earlier steps: zeros for each letter that is remembered."""
        parameters = self.model.parameters
        self.state.clear()
        self.state.update(
            {f"{letter}.{name}": np.zeros_like(p) for letter in self.remembers for name, p in parameters.items()}
        )
        self._pieces = [
            (p, g, remembered, self._scratch[0, : p.size], self._scratch[1, : p.size])
            for name, parameter in parameters.items()
            for p, g, *remembered in zip(
                _pieces(parameter),
                _pieces(self.model.gradients[name]),
                *(_pieces(self.state[f"{letter}.{name}"]) for letter in self.remembers),
                strict=True,
            )
        ]

    def _number(self, value: float) -> Array:
        # An array without dimensions in the type of the parameters: quicker to a ufunc than a Python number.
        return np.array(value, self._dtype)


class SGD(Optimizer):
    """Stochastic gradient descent: p <- p - lr · g, or with a memory of the way so far.

    With momentum mu, v <- mu · v + g and p <- p - lr · v; with Nesterov's, p <- p - lr · (g + mu · v). Weight decay
    lambda first adds lambda · p to g, which is the gradient of lambda/2 · |p|^2.

    Parameters
    ----------
    model : Module
    lr : float
        Above 0.
    momentum : float
        0 or more and below 1. May be changed between steps; a velocity begins at 0, also one that had been lost.
    nesterov : bool
        Needs a momentum above 0.
    weight_decay : float
        0 or more.

    Notes
    -----
    Nielsen, chapter 1, equations 16 and 17; Sutskever and others, On the importance of initialization and momentum in
    deep learning (2013), in the form that lets lr change.
    """

    def __init__(
        self, model: Module, lr: float, momentum: float = 0.0, nesterov: bool = False, weight_decay: float = 0.0
    ) -> None:
        self._momentum, self.nesterov = 0.0, nesterov
        super().__init__(model, lr, weight_decay)
        self.momentum = momentum

    @property
    def momentum(self) -> float:
        """mu, 0 or more and below 1; ValueError for another, and for 0 with Nesterov's form."""
        return self._momentum

    @momentum.setter
    def momentum(self, momentum: float) -> None:
        _check("momentum", momentum, 0 <= momentum < 1, "0 or more and below 1")
        _check("nesterov", self.nesterov, not self.nesterov or momentum > 0, "used with a momentum above 0")
        self._momentum = momentum
        remembers = ("v",) if momentum else ()  # plain gradient descent has no memory
        if remembers != self.remembers:
            self.remembers = remembers
            self._begin_to_remember()

    def step(self) -> None:
        """Take one step downhill."""
        self.steps += 1
        lr, mu = self._number(self.lr), self._number(self._momentum) if self._momentum else None
        decay = self._number(self.weight_decay) if self.weight_decay else None
        for p, g, remembered, change, decayed in self._pieces:
            if decay is not None:
                g = np.add(g, np.multiply(p, decay, out=decayed), out=decayed)
            if mu is not None:
                (v,) = remembered
                np.add(np.multiply(v, mu, out=v), g, out=v)
                g = np.add(g, np.multiply(v, mu, out=change), out=change) if self.nesterov else v
            np.multiply(g, lr, out=change)
            np.subtract(p, change, out=p)


class Adam(Optimizer):
    """Steps of about the same length in every direction, by running averages of g and of g^2.

    m <- beta1 · m + (1 - beta1) · g and v <- beta2 · v + (1 - beta2) · g^2. Both begin at 0 and are too small at first:
    mhat = m / (1 - beta1^t) and vhat = v / (1 - beta2^t). Then p <- p - lr · mhat / (sqrt(vhat) + epsilon).

    Parameters
    ----------
    model : Module
    lr : float
        Above 0; about the length of a step.
    betas : (float, float)
        beta1 and beta2, each 0 or more and below 1.
    epsilon : float
        Above 0.
    weight_decay : float
        0 or more; lambda · p is added to g, and so passes through the averages (unlike in `AdamW`).

    Notes
    -----
    Kingma and Ba, Adam: A Method for Stochastic Optimization (2015), algorithm 1.
    """

    remembers = ("m", "v")
    decoupled = False

    def __init__(
        self,
        model: Module,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        for name, beta in zip(("beta1", "beta2"), betas, strict=True):
            _check(name, beta, 0 <= beta < 1, "0 or more and below 1")
        _check("epsilon", epsilon, 0 < epsilon < math.inf, "a finite number above 0")
        self.betas, self.epsilon = betas, epsilon
        super().__init__(model, lr, weight_decay)

    def step(self) -> None:
        """Take one step downhill."""
        self.steps += 1
        beta1, beta2 = self.betas
        to_mhat, to_vhat = 1 / (1 - beta1**self.steps), 1 / (1 - beta2**self.steps)
        lr_mhat, sqrt_vhat = self._number(self.lr * to_mhat), self._number(math.sqrt(to_vhat))
        b1, b2, new1, new2 = (self._number(value) for value in (beta1, beta2, 1 - beta1, 1 - beta2))
        epsilon, decay = self._number(self.epsilon), self._number(self.weight_decay)
        shrink = self._number(1 - self.lr * self.weight_decay)
        for p, g, (m, v), change, root in self._pieces:
            if self.weight_decay and self.decoupled:
                np.multiply(p, shrink, out=p)
            elif self.weight_decay:
                g = np.add(g, np.multiply(p, decay, out=root), out=root)  # root is free until v has its g
            np.multiply(m, b1, out=m)
            np.add(m, np.multiply(g, new1, out=change), out=m)
            np.multiply(v, b2, out=v)
            np.add(v, np.multiply(np.multiply(g, g, out=change), new2, out=change), out=v)
            # sqrt(vhat) + epsilon
            np.multiply(np.sqrt(v, out=root), sqrt_vhat, out=root)
            np.add(root, epsilon, out=root)
            # lr mhat / (sqrt(vhat) + epsilon)
            np.divide(np.multiply(m, lr_mhat, out=change), root, out=change)
            np.subtract(p, change, out=p)


class AdamW(Adam):
    """Adam with decoupled weight decay: p <- p - lr · lambda · p beside Adam's step, untouched by its averages.

    Parameters as in `Adam`, with a weight decay of 0.01 unless said. Source: Loshchilov and Hutter, Decoupled Weight
    Decay Regularization (2019), algorithm 2.
    """

    decoupled = True

    def __init__(
        self,
        model: Module,
        lr: float = 0.001,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(model, lr, betas, epsilon, weight_decay)


def gradient_norm(model: Module) -> float:
    """Return |g|, the Euclidean norm of all gradients of `model` taken as one vector."""
    square = sum(float(np.vdot(gradient, gradient)) for gradient in model.gradients.values())
    if not 1e-30 < square < 1e30:
        # Near the ends of float32, where squares overflow or vanish before their root is taken.
        square = sum(float(np.sum(np.square(g, dtype=np.float64))) for g in model.gradients.values())
    return math.sqrt(square)


def clip_gradients(model: Module, max_norm: float) -> float:
    """Shorten the gradients of `model`, as one vector, to `max_norm` if they are longer; return their norm before.

    Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks (2013), algorithm 1.

    Raises
    ------
    ValueError
        When `max_norm` is not above 0.
    """
    _check("max_norm", max_norm, max_norm > 0, "above 0")
    norm = gradient_norm(model)
    if norm > max_norm:
        for gradient in model.gradients.values():
            gradient *= max_norm / norm
    return norm


def _pieces(array: Array) -> list[Array]:
    """Return views of at most `PIECE` numbers each that make up `array`."""
    flat = np.reshape(array, -1, copy=False)
    return [flat[begin : begin + PIECE] for begin in range(0, flat.size, PIECE)]


def _check(name: str, value: object, holds: bool, allowed: str) -> None:
    if not holds:
        raise ValueError(f"{name} must be {allowed}, not {value!r}.")
