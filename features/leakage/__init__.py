"""The leakage audit: which columns and interactions know the outcome, with the evidence."""

from features.leakage.audit import audit
from features.leakage.interactions import FollowCounts
from features.leakage.report import Audit
from features.leakage.verdict import Verdict

__all__ = ["Audit", "FollowCounts", "Verdict", "audit"]
