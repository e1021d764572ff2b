"""The webhook process: FAL's callbacks in, the user told."""
