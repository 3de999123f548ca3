"""What is recorded on commits: params and metrics in git notes, and what writes them."""
