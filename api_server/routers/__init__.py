"""The routes, one file a matter."""
