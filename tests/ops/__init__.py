"""Tests of the commands: what they make, what they say when the outside world is not as they need it, what they leave."""
