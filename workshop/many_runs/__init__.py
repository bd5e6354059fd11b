"""Many runs at once, and what came of them."""
