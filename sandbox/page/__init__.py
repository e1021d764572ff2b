"""The sandbox in a browser: the chat with the bot, and what happens behind it.

One origin on loopback. The page reads a single stream of events (`/events`), and its hands are those of the
emulators: a person's under `/telegram`, FAL's under `/fal`. No build step, and no request leaves the machine.
"""
