"""Files that people download from a CRM: recognised by their columns, with a proposal of what they mean."""
