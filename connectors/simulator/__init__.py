"""The simulator: a CRM with known truth.

Companies with buying groups, hidden interest that grows with nurturing and decays with silence, the interactions it causes,
mail scanners, campaigns, lead stages, exits and deals. Interactions depend on the hidden state and never the other way round,
and the hidden state is a Markov chain in days, so the probability of every label can be computed exactly (`Simulation.truth`).
"""
