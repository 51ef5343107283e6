"""XOR: the smallest task that one layer cannot learn and two can.

Run it from the project's folder: `PYTHONPATH=src python docs/examples/xor.py`
"""

import numpy as np

from hippo.nn import Adam, CrossEntropyLoss, Linear, Sequential, Tanh

SEED, STEPS = 1, 200

rng = np.random.default_rng(SEED)
x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)  # (batch 4, features 2)
classes = np.array([0, 1, 1, 0])  # 1 where exactly one of the two is 1
targets = np.eye(2, dtype=np.float32)[classes]  # one-hot, (batch 4, classes 2)

model = Sequential([Linear(2, 8, rng=rng), Tanh(), Linear(8, 2, rng=rng)])
loss = CrossEntropyLoss()
optimizer = Adam(model, lr=0.05)

for step in range(1, STEPS + 1):
    logits = model.forward(x)
    value = loss.forward(logits, targets)
    model.backward(loss.backward())
    optimizer.step()
    if step == 1 or step % 40 == 0:
        accuracy = np.mean(logits.argmax(axis=1) == classes)
        print(f"step {step:3}   loss {value:.4f}   accuracy {accuracy:.0%}")

for row, answer in zip(x.astype(int), model.forward(x).argmax(axis=1), strict=True):
    print(f"{row[0]} xor {row[1]} = {answer}")
