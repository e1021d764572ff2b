"""The shared core and the bot."""
