"""Many clients: the trainings of many configurations at once, each on its own, with one summary (`make train-all`)."""
