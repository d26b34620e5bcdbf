"""Files that people download from a CRM: recognised by their columns, with a proposal of what they mean."""

from features.sources.exports.propose import Proposal, propose

__all__ = ["Proposal", "propose"]
