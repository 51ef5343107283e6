"""Two spirals wound into each other: 194 points that no line and no simple curve can part.

Source: Lang and Witbrock, Learning to Tell Two Spirals Apart (1988).

Run it from the project's folder: `PYTHONPATH=src python docs/examples/two_spirals.py`
"""

import numpy as np

from hippo.nn import Adam, CrossEntropyLoss, Linear, ReLU, Sequential
from hippo.nn.schedules import cosine

SEED, EPOCHS, BATCH_SIZE, LEARNING_RATE = 1, 1500, 97, 0.005


def two_spirals(points: int = 97) -> tuple[np.ndarray, np.ndarray]:
    """Return the points (2 · points, 2), at most 6.5 from the middle, and the spiral, 0 or 1, that each lies on."""
    i = np.arange(points)
    angle, radius = i * np.pi / 16, 6.5 * (104 - i) / 104
    spiral = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
    return np.concatenate([spiral, -spiral]).astype(np.float32), np.repeat([0, 1], points)


rng = np.random.default_rng(SEED)
x, classes = two_spirals()
targets = np.eye(2, dtype=np.float32)[classes]

model = Sequential(
    [
        *(Linear(2, 64, init="he", rng=rng), ReLU()),
        *(Linear(64, 64, init="he", rng=rng), ReLU()),
        *(Linear(64, 64, init="he", rng=rng), ReLU()),
        Linear(64, 2, rng=rng),
    ]
)
loss = CrossEntropyLoss()
optimizer = Adam(model, lr=LEARNING_RATE)
schedule = cosine(final=0.01)

for epoch in range(EPOCHS):
    optimizer.lr = LEARNING_RATE * schedule(epoch, EPOCHS)
    order, total = rng.permutation(len(x)), 0.0
    for begin in range(0, len(x), BATCH_SIZE):
        rows = order[begin : begin + BATCH_SIZE]
        total += loss.forward(model.forward(x[rows]), targets[rows]) * len(rows)
        model.backward(loss.backward())
        optimizer.step()
    if epoch == 0 or (epoch + 1) % 250 == 0:
        correct = np.sum(model.forward(x).argmax(axis=1) == classes)
        print(f"epoch {epoch + 1:4}   loss {total / len(x):.4f}   accuracy {correct / len(x):.1%} ({correct}/{len(x)})")
