"""Pairs of a task and an origin: what could have been learned on that day, judged by what came true after it."""
