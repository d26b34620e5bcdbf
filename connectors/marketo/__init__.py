"""Marketo Engage: leads by bulk extract, activities and lead changes; scores go back to leads."""
