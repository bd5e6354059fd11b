"""The environments, and what the networks see of them."""
