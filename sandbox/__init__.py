"""FAL and Telegram at the level of the wire, and the supervisor that runs the product against them."""
