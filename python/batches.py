"""The batches of a training as tinystill makes them: a function of the seed and the epoch alone.

Threefry-2x32, 20 rounds (Salmon et al. 2011), as in src/tensor/rng.ts; batches as in src/text/batches.ts.
"""
import numpy as np

ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)
# Batches that are sorted by length together.
POOL = 50


def threefry(key, low, high):
    """Two uint32 words for each counter (low, high), which are arrays."""
    keys = [np.uint32(key[0]), np.uint32(key[1]), np.uint32(0x1BD11BDA ^ key[0] ^ key[1])]
    x, y = low + keys[0], high + keys[1]
    for i in range(20):
        x = x + y
        r = np.uint32(ROTATIONS[i % 8])
        y = ((y << r) | (y >> (np.uint32(32) - r))) ^ x
        if i % 4 == 3:
            s = i // 4 + 1
            x, y = x + keys[s % 3], y + keys[(s + 1) % 3] + np.uint32(s)
    return x, y


def fold(key, place):
    """A key for a place: a whole number, or a name."""
    if isinstance(place, str):
        low, high = 0x811C9DC5, 0x40000000 | len(place)
        for c in place.encode("ascii"):
            low = ((low ^ c) * 0x01000193) & 0xFFFFFFFF
    else:
        low, high = place & 0xFFFFFFFF, place >> 32
    x, y = threefry(key, np.array([low], np.uint32), np.array([high ^ 0x80000000], np.uint32))
    return int(x[0]), int(y[0])


def key_of(seed, *places):
    key = (seed & 0xFFFFFFFF, (seed >> 32) & 0xFFFFFFFF)
    for place in places:
        key = fold(key, place)
    return key


def permutation(key, n):
    """Of 0 to n - 1: Fisher and Yates' shuffle."""
    x, y = threefry(key, np.arange(n, dtype=np.uint32), np.zeros(n, np.uint32))
    uniform = ((x >> np.uint32(5)) * 67108864.0 + (y >> np.uint32(6))) / 9007199254740992.0
    others = np.floor(uniform * np.arange(1, n + 1)).astype(np.int64).tolist()
    out = list(range(n))
    for i in range(n - 1, 0, -1):
        j = others[i]
        out[i], out[j] = out[j], out[i]
    return np.array(out, np.int64)


def batches_of(lengths, batch_size, seed, epoch):
    """Row numbers in batches: shuffled, sorted by length inside pools of 50 batches, the batches shuffled again."""
    key = key_of(seed, "order", epoch)
    shuffled = permutation(fold(key, "rows"), len(lengths))
    batches = []
    for start in range(0, len(shuffled), POOL * batch_size):
        pool = shuffled[start : start + POOL * batch_size]
        pool = pool[np.lexsort((pool, lengths[pool]))]
        batches += [pool[i : i + batch_size] for i in range(0, len(pool), batch_size)]
    return [batches[i] for i in permutation(fold(key, "batches"), len(batches))]
