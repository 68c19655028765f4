"""Which partition of a recorded log a key belongs to (workers/event/partition_key.h), in plain Python."""

MASK = (1 << 64) - 1


def key_hash(key):
    """key: bytes."""
    x = 14695981039346656037
    for byte in key:
        x = (x ^ byte) * 1099511628211 & MASK
    x ^= x >> 33
    x = x * 0xFF51AFD7ED558CCD & MASK
    x ^= x >> 33
    x = x * 0xC4CEB9FE1A85EC53 & MASK
    return x ^ x >> 33


def partition_of(key, count):
    return key_hash(key) % count
