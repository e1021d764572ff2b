"""What operators run; a script is thin and calls the core."""
