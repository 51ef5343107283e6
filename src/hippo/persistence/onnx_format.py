"""Networks as ONNX, for other runtimes; writing only.

``images`` float32 (N, 784), 0-1, go through Gemm and activation layer by layer. The output, float32 (N, 10), is called
``probabilities`` where a softmax makes it and ``outputs`` where sigmoids do. Weights are stored as float32; what lies
between is computed in float64, as `NeuralNetwork` does it, because sums of 784 products in float32 come out different
in the sixth decimal wherever they are added in another order.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

from hippo.network import INPUTS, OUTPUTS, NeuralNetwork
from hippo.nn import Dropout, LeakyReLU, Linear, Module

if TYPE_CHECKING:
    from onnx import NodeProto

OPSET = 17
#: The version of the file format that came with that set of operators: older runtimes can read it too.
IR_VERSION = 8
_OPERATORS = {"Sigmoid": "Sigmoid", "Tanh": "Tanh", "ReLU": "Relu", "LeakyReLU": "LeakyRelu"}


def to_onnx(network: NeuralNetwork) -> bytes:
    """Return the network as an ONNX model; the same network gives the same bytes.

    The metadata are ``architecture`` (JSON of the spec), ``input`` and ``output`` in words.
    """
    # Here and not above: it takes a third of a second, and only who asks for ONNX needs it.
    from onnx import TensorProto, helper

    nodes, value = [_cast("images", "pixels", TensorProto.DOUBLE)], "pixels"
    last = "probabilities" if network.spec.loss == "cross_entropy" else "outputs"
    modules = [module for module in network.model.modules if not isinstance(module, Dropout)]
    for place, module in enumerate(modules):
        if isinstance(module, Linear):
            nodes += [
                _cast(f"{name}_{place}", f"wide_{name}_{place}", TensorProto.DOUBLE) for name in module.parameters
            ]
        nodes += _nodes(module, value, f"value_{place}", place)
        value = f"value_{place}"
    if network.spec.loss == "cross_entropy":
        nodes.append(helper.make_node("Softmax", [value], ["softmax"], name="softmax", axis=1))
        value = "softmax"
    nodes.append(_cast(value, last, TensorProto.FLOAT))
    described = [
        (name, helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", width]))
        for name, width in (("images", INPUTS), (last, OUTPUTS))
    ]
    graph = helper.make_graph(nodes, "hippo", [described[0][1]], [described[1][1]])
    model = helper.make_model(
        graph, producer_name="hippo", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
    # Not before: every message that takes another up copies it, and these are large.
    for place, module in enumerate(modules):
        for name, array in module.parameters.items() if isinstance(module, Linear) else ():
            tensor = model.graph.initializer.add(name=f"{name}_{place}", dims=array.shape)
            tensor.data_type = TensorProto.FLOAT
            tensor.raw_data = np.asarray(array, "<f4").tobytes()  # row by row, however it lies in memory
    said = {
        "architecture": json.dumps(network.spec.to_dict()),
        "input": "images: float32 (N, 784), rows of 28 pixels from the top, 0 paper, 1 ink",
        "output": f"{last}: float32 (N, 10), one per digit",
    }
    helper.set_model_props(model, said)
    return bytes(model.SerializeToString(deterministic=True))


def _cast(value: str, result: str, dtype: int) -> NodeProto:
    from onnx import helper

    return helper.make_node("Cast", [value], [result], name=f"cast_{value}", to=dtype)


def _nodes(module: Module, value: str, result: str, place: int) -> list[NodeProto]:
    from onnx import helper

    if isinstance(module, Linear):
        inputs = [value, f"wide_weights_{place}", f"wide_bias_{place}"]
        return [helper.make_node("Gemm", inputs, [result], name=f"linear_{place}")]
    more: dict[str, Any] = {"alpha": module.slope} if isinstance(module, LeakyReLU) else {}
    kind = type(module).__name__
    return [helper.make_node(_OPERATORS[kind], [value], [result], name=f"{kind.lower()}_{place}", **more)]
