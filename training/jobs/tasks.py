"""All functions that run in workers, so that a worker imports them once, before its first item."""

from features.partitions.build_matrix import build_buckets
from features.partitions.shuffle import count, cut, sort
from training.jobs.score_partitions import score_bucket
from training.scale.boost import boost
from training.scale.follow import count_follows
from training.scale.select import select

__all__ = ["boost", "build_buckets", "count", "count_follows", "cut", "score_bucket", "select", "sort"]
