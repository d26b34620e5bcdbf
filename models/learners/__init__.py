"""The learners: linear, boosted trees, and exact Shapley contributions of the trees."""
