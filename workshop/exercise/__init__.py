"""The loss: what is right, what is wrong with it, and the solution."""
