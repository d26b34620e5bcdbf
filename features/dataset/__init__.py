"""The dataset and what is in it: tables, validation, funnel, landmarks, labels, deals."""
