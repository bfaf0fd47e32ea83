"""Prints the GFLOP/s of PyTorch's matrix product. Called by ../kernels.mjs. usage: matmul.py m k n threads milliseconds"""
import sys
import time

import torch

m, k, n, threads, limit = map(int, sys.argv[1:])
torch.set_num_threads(threads)
a, b = torch.randn(m, k), torch.randn(k, n)
a @ b
start = time.perf_counter()
count = 0
while time.perf_counter() - start < limit / 1e3:
    a @ b
    count += 1
print(2 * m * k * n * count / (time.perf_counter() - start) / 1e9)
