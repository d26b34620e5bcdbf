"""The leakage audit: which columns and interactions know the outcome, with the evidence."""

from features.audit.audit import audit
from features.audit.interactions import Follows
from features.audit.report import Audit
from features.audit.verdict import Verdict

__all__ = ["Audit", "Follows", "Verdict", "audit"]
