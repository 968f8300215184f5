"""What this library costs, in ratios: each side is timed in the same run as what it is compared with."""
